"""The shapes that pages read. What a value means is decided by the services."""

import re

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules
from apps.backoffice.pages.reading import Read, digits_of, is_mistyped_card, read, repaired
from apps.core.errors import Refused
from apps.core.money import parse_amount

BETWEEN = dict.fromkeys(map(ord, " \u00a0\u202f-"), None)


class SigninForm(forms.Form):
    login = forms.CharField(
        max_length=254, error_messages={"required": _("Enter your phone or e-mail.")}
    )
    password = forms.CharField(
        max_length=256, strip=False, error_messages={"required": _("Enter your password.")}
    )


class FirstPasswordForm(forms.Form):
    password = forms.CharField(
        max_length=256, strip=False, error_messages={"required": _("Think of a password.")}
    )


class CodeForm(forms.Form):
    code = forms.CharField(max_length=32, error_messages={"required": _("Enter the code.")})

    def clean_code(self) -> str:
        """Six digits; people copy them with a space in the middle."""
        code = self.cleaned_data["code"].translate(BETWEEN)
        if not re.fullmatch(r"[0-9]{6}", code, re.ASCII):
            raise forms.ValidationError(_("The code is six digits from the app."))
        return code


class SmsCodeForm(CodeForm):
    def clean_code(self) -> str:
        code = self.cleaned_data["code"].translate(BETWEEN)
        if not re.fullmatch(r"[0-9]{6}", code, re.ASCII):
            raise forms.ValidationError(_("Six digits."))
        return code


class SecondFactorForm(CodeForm):
    """Six digits from the app, or a recovery code of ten letters and digits."""

    def clean_code(self) -> str:
        plain = rules.plain_recovery_code(self.cleaned_data["code"])
        return plain if len(plain) == 10 else super().clean_code()


class PhoneForm(forms.Form):
    phone = forms.CharField(max_length=40, error_messages={"required": _("Enter your phone.")})


class PinForm(forms.Form):
    pin = forms.CharField(max_length=16, error_messages={"required": _("Enter the PIN.")})


class PinSigninForm(PinForm):
    who = forms.CharField(max_length=36, error_messages={"required": _("Choose your name.")})


class FindForm(forms.Form):
    who = forms.CharField(
        max_length=64,
        error_messages={
            "required": _("Enter a phone or a card number."),
            "max_length": _("This is too long for a phone or a card number."),
        },
    )

    def clean_who(self) -> Read:
        """A phone in any Russian form, a card, a hold, a receipt, or a name with digits."""
        who = self.cleaned_data["who"]
        found = read(who)
        if found:
            return found
        if is_mistyped_card(who):
            raise forms.ValidationError(
                _("There is a slip in the card number: its digits do not fit together.")
            )
        raise forms.ValidationError(
            _(
                "This is neither a phone nor a card number. A phone looks like "
                "+7 912 345-67-89, a card has 12 digits."
            )
        )


class AmountForm(forms.Form):
    amount = forms.CharField(
        max_length=64,
        error_messages={
            "required": _("Enter the sum of the receipt."),
            "max_length": _("The sum is too large: at most 8 digits before the comma."),
        },
    )

    def clean_amount(self):
        try:
            return parse_amount(self.cleaned_data["amount"])
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class OperationForm(AmountForm):
    """The sum, what of it is paid with bonuses, and what the preview promised."""

    spend = forms.CharField(max_length=64, required=False)
    coupon = forms.CharField(max_length=40, required=False)
    receipt = forms.CharField(max_length=60, required=False)
    price = forms.CharField(max_length=32, required=False)
    quoted = forms.CharField(max_length=128, required=False)
    again = forms.BooleanField(required=False)

    def clean_spend(self):
        text = self.cleaned_data["spend"].strip()
        if not text:
            return None
        try:
            return parse_amount(text, zero_allowed=True) or None
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean_coupon(self) -> str:
        return plain_code(self.cleaned_data["coupon"])

    @property
    def codes(self) -> list[str]:
        code = self.cleaned_data["coupon"]
        return [code] if code else []

    def agreed_price(self) -> str:
        """The preview's token, if it was made for these very sums: whoever types faster than the
        preview comes has seen no price yet."""
        said = self.cleaned_data
        shown_for = f"{said['amount']:.2f}|{said['spend'] or 0:.2f}|{said['coupon']}"
        return said["price"] if said["quoted"] == shown_for else ""


class CouponForm(forms.Form):
    code = forms.CharField(
        max_length=40, error_messages={"required": _("Enter the code of the coupon.")}
    )

    def clean_code(self) -> str:
        return plain_code(self.cleaned_data["code"])


def plain_code(text: str) -> str:
    """A coupon's code whatever layout was on: digits without spaces, or letters put right."""
    return digits_of(text) or repaired(text.strip())


class ConfirmForm(forms.Form):
    ACTS = [(act, act) for act in ("code", "sms", "owner", "without")]

    act = forms.ChoiceField(choices=ACTS)
    code = forms.CharField(max_length=40, required=False)
    reason = forms.CharField(max_length=300, required=False)

    def clean(self):
        said = super().clean()
        if said.get("act") == "code" and not said.get("code"):
            self.add_error("code", _("Enter the code."))
        return said


class RefundForm(forms.Form):
    amount = forms.CharField(max_length=64, required=False)
    reason = forms.CharField(max_length=300, required=False)
    key = forms.UUIDField()

    def clean_amount(self):
        text = self.cleaned_data["amount"].strip()
        if not text:
            return None
        try:
            return parse_amount(text)
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class ReceiptForm(forms.Form):
    number = forms.CharField(
        max_length=40, error_messages={"required": _("Enter the number of the operation.")}
    )
