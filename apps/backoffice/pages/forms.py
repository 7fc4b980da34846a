"""The shapes that pages read. What a value means is decided by the services."""

import re

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules
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

    def clean_who(self) -> str:
        """A phone in any Russian form or the digits of a card."""
        who = self.cleaned_data["who"]
        if rules.is_card_token(who) or rules.is_card_number(who) or rules.normalize_phone(who):
            return who
        digits = who.translate(BETWEEN)
        if re.fullmatch(rf"[0-9]{{{rules.CARD_DIGITS}}}", digits, re.ASCII):
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
