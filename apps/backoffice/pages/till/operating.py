"""Step two: how much, with or without bonuses; and the guest's confirmation when she spends."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.backoffice.pages.access import may_manage
from apps.backoffice.pages.forms import ConfirmForm, FindForm, OperationForm
from apps.backoffice.pages.reading import Kind, read
from apps.backoffice.pages.till.finding import show_start
from apps.backoffice.pages.till.place import at_till, open_businesses, show
from apps.backoffice.pages.tokens import Operation
from apps.backoffice.treats import coupons_held, treats_of
from apps.businesses.models import Business
from apps.core import throttle
from apps.core.errors import Refused
from apps.loyalty.queries import balance_of
from apps.transactions import services
from apps.transactions.models import Transaction
from apps.transactions.queries import held_here, sales_at, twin_of

COMMITS, COMMITS_WINDOW = 30, 60  # sales a person may enter in a minute
BUSINESS_COMMITS = 300  # and all people of a business together
CODES, CODES_WINDOW = 10, 15 * 60  # wrong codes of a guest's app that a person may type
SENT = "spend_code"  # session key: operation → the code sent by SMS
TWIN_FOR = timedelta(minutes=2)


@dataclass(frozen=True)
class Step:
    """What the second step knows: read from the signed address, checked against today's rights."""

    operation: Operation
    token: str
    business: Business
    member: User

    @property
    def key(self) -> str:
        return str(self.operation.key)


def step_of(request: HttpRequest, token: str) -> Step:
    """Raises Refused when the address is stale or the business is not hers any more."""
    operation = Operation.read(token, by=request.user)
    business = next(
        (one for one in open_businesses(request) if one.pk == operation.business_id), None
    )
    member = User.objects.filter(pk=operation.member_id).select_related("tier").first()
    if business is None or member is None:
        raise Http404
    return Step(operation=operation, token=token, business=business, member=member)


def _done(step: Step) -> Transaction | None:
    return sales_at(step.business).filter(key=step.key).first()


@at_till
@require_http_methods(["GET", "POST"])
def operation(request: HttpRequest, token: str) -> HttpResponse:
    """Show the member and ask for the sum; POST records the sale, or asks the guest first."""
    try:
        step = step_of(request, token)
    except Refused as refusal:
        return show_start(request, FindForm(), problem=str(refusal))
    if request.method == "GET":
        # After a reload or the back button the operation may be over: then show how it ended.
        done = _done(step)
        if done:
            return redirect("backoffice:sale", done.pk)
        return _operation(request, step, OperationForm(initial=_start_values(step)))
    form = OperationForm(request.POST)
    if not form.is_valid():
        return _operation(request, step, form)
    twin = _twin(request, step, form)
    if twin:
        return _operation(request, step, form, twin=twin)
    if form.cleaned_data["spend"] and not _is_confirmed(request, step, form):
        return _to_confirm(request, step, form)
    return _commit(request, step, form, _spend(step, form))


def _start_values(step: Step) -> dict[str, str]:
    """A hold says how much she wants to spend."""
    held = step.operation.hold and held_here(
        step.member.pk, step.business.pk, code=step.operation.hold, at=timezone.now()
    )
    return {"spend": f"{held:.2f}".replace(".", ",")} if held else {}


def _is_confirmed(request: HttpRequest, step: Step, form: OperationForm) -> bool:
    return bool(step.operation.hold) or services.is_proven(
        step.operation.proof, member=step.member, business=step.business, by=request.user
    )


def _spend(step: Step, form: OperationForm) -> services.Spend | None:
    amount = form.cleaned_data["spend"]
    if not amount:
        return None
    return services.Spend(amount=amount, code=step.operation.hold, proof=step.operation.proof)


def _twin(request: HttpRequest, step: Step, form: OperationForm) -> Transaction | None:
    """The same guest, sum and person two minutes ago: asked, unless she said «once more»."""
    if form.cleaned_data["again"] or _done(step):
        return None
    return twin_of(
        step.business,
        member=step.member,
        amount=form.cleaned_data["amount"],
        by=request.user,
        since=timezone.now() - TWIN_FOR,
    )


def _commit(
    request: HttpRequest, step: Step, form: OperationForm, spend: services.Spend | None
) -> HttpResponse:
    try:
        sale = _record(request, step, form.cleaned_data, spend, price=form.agreed_price())
    except Refused as refusal:
        return _operation(request, step, form, problem=str(refusal))
    return redirect("backoffice:sale", sale.pk)


def _record(
    request: HttpRequest,
    step: Step,
    asked: dict[str, Any],
    spend: services.Spend | None,
    *,
    price: str,
) -> Transaction:
    """Raises Refused."""
    mine = throttle.Bucket("till.commit", str(request.user.pk), COMMITS, COMMITS_WINDOW)
    all_of_it = throttle.Bucket(
        "till.commit.business", str(step.business.pk), BUSINESS_COMMITS, COMMITS_WINDOW
    )
    if throttle.take([mine, all_of_it]).wait:
        raise TooFast
    codes = [asked["coupon"]] if asked.get("coupon") else []
    try:
        with services.guesses_counted(by=request.user, codes=codes):
            return services.record_purchase(
                business=step.business,
                member=step.member,
                amount=asked["amount"],
                occurred_at=timezone.now(),
                by=request.user,
                key=step.key,
                source="till",
                receipt_number=asked.get("receipt", ""),
                spend=spend,
                coupon_codes=codes,
                price=price,
            )
    except services.NotAtOwnTill:
        services.flag_self_sale(business=step.business, by=request.user, at=timezone.now())
        raise


class TooFast(Refused):
    code = "RATE_LIMITED"

    def __str__(self) -> str:
        return _("Too many sales in a minute. Nothing was recorded: press Enter again shortly.")


def _operation(
    request: HttpRequest,
    step: Step,
    form: OperationForm,
    *,
    problem: str = "",
    preview: services.Quote | None = None,
    twin: Transaction | None = None,
) -> HttpResponse:
    confirmed, at = _is_confirmed(request, step, form), timezone.now()
    context = {
        "business": step.business,
        "member": step.member,
        "balance": balance_of(step.member.pk, at=at),
        "treats": treats_of(step.member, step.business, at=at),
        "coupons": coupons_held(step.member, step.business, at=at),
        "share": services.share_of_bill(step.business),
        "step": step,
        "form": form,
        "problem": problem,
        "preview": preview,
        "twin": twin,
        "confirmed": confirmed,
        "spends": bool(form["spend"].value()),
        "coupon": form["coupon"].value() or "",
    }
    wrong = problem or form.errors or twin
    return show(request, "operation", context, status=422 if wrong else 200)


@at_till
@require_POST
def quote(request: HttpRequest, token: str) -> HttpResponse:
    """What the sum would cost and earn. Nothing is written."""
    try:
        step = step_of(request, token)
    except Refused as refusal:
        return show_start(request, FindForm(), problem=str(refusal))
    form, preview, problem = OperationForm(request.POST), None, ""
    unfinished = request.POST.get("amount", "").strip().rstrip(",.") == ""
    if not unfinished and form.is_valid():
        preview, problem = _quoted(request, step, form, _spend(step, form))
    if not request.htmx:
        return _operation(request, step, form, problem=problem, preview=preview)
    context = {
        "form": None if unfinished else form,
        "coupon": form.cleaned_data.get("coupon", "") if preview else "",
        "problem": problem,
        "preview": preview,
        "share": services.share_of_bill(step.business),
    }
    return render(request, "backoffice/till/_preview.html", context)


def _quoted(
    request: HttpRequest, step: Step, form: OperationForm, spend: services.Spend | None
) -> tuple[services.Quote | None, str]:
    try:
        with services.guesses_counted(by=request.user, codes=form.codes):
            quoted = services.quote_purchase(
                business=step.business,
                member=step.member,
                amount=form.cleaned_data["amount"],
                at=timezone.now(),
                by=request.user,
                spend=spend,
                coupon_codes=form.codes,
            )
    except Refused as refusal:
        return None, str(refusal)
    return quoted, ""


# --- the guest's confirmation --------------------------------------------------------------------
def _to_confirm(request: HttpRequest, step: Step, form: OperationForm) -> HttpResponse:
    unproven = services.Spend(amount=form.cleaned_data["spend"])
    preview, problem = _quoted(request, step, form, unproven)
    if preview is None:
        return _operation(request, step, form, problem=problem)
    waiting = step.operation.waiting(
        amount=f"{form.cleaned_data['amount']:.2f}",
        spend=f"{form.cleaned_data['spend']:.2f}",
        price=preview.price,
        coupon=form.cleaned_data["coupon"],
    )
    return redirect("backoffice:confirm", waiting.token(by=request.user))


@at_till
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """She reads a code out of her app or an SMS, shows her card, or the owner decides."""
    try:
        step = step_of(request, token)
    except Refused as refusal:
        return show_start(request, FindForm(), problem=str(refusal))
    if not step.operation.spend:
        return redirect("backoffice:operation", token)
    done = _done(step)
    if done:
        return redirect("backoffice:sale", done.pk)
    if request.method == "GET":
        return _confirm(request, step, ConfirmForm())
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return _confirm(request, step, form)
    try:
        return _confirmed(request, step, form.cleaned_data)
    except Refused as refusal:
        return _confirm(request, step, form, problem=str(refusal))


def _confirm(
    request: HttpRequest, step: Step, form: ConfirmForm, *, problem: str = ""
) -> HttpResponse:
    amount, spend = Decimal(step.operation.amount), Decimal(step.operation.spend)
    context = {
        "business": step.business,
        "member": step.member,
        "step": step,
        "form": form,
        "problem": problem,
        "amount": amount,
        "spend": spend,
        "coupon": step.operation.coupon,
        "to_pay": amount - spend,
        "sent": request.session.get(SENT, {}).get(step.key),
        "may_decide": may_manage(request.user, step.business),
    }
    return show(request, "confirm", context, status=422 if problem or form.errors else 200)


def _confirmed(request: HttpRequest, step: Step, said: dict[str, Any]) -> HttpResponse:
    """Raises Refused."""
    operation, act = step.operation, said["act"]
    asked = {"amount": Decimal(operation.amount), "coupon": operation.coupon}
    spend = Decimal(operation.spend)
    if act == "sms":
        sent = services.ask_by_sms(
            member=step.member,
            business=step.business,
            amount=spend,
            by=request.user,
            at=timezone.now(),
        )
        request.session[SENT] = {step.key: str(sent.code_id)}
        return redirect("backoffice:confirm", step.token)
    if act == "without":
        sale = _record(request, step, asked, None, price="")
        return redirect("backoffice:sale", sale.pk)
    agreed = (
        services.Spend(amount=spend, reason=said["reason"])
        if act == "owner"
        else _agreed(request, step, said["code"], spend)
    )
    sale = _record(request, step, asked, agreed, price=operation.price)
    return redirect("backoffice:sale", sale.pk)


def _agreed(request: HttpRequest, step: Step, text: str, spend: Decimal) -> services.Spend:
    """What her code stands for: her shown card, the SMS that was sent, or a hold of hers."""
    found, whose = read(text), str(request.user.pk)
    if throttle.used("spend.code", whose) >= CODES:
        raise TooManyCodes
    if found and found.kind is Kind.TOKEN:
        member, proof = services.prove_by_card(
            token=found.text, business=step.business, by=request.user, at=timezone.now()
        )
        if member.pk != step.member.pk:
            raise OtherGuest
        return services.Spend(amount=spend, proof=proof)
    code_id = request.session.get(SENT, {}).get(step.key)
    code = found.text if found and found.kind is Kind.HOLD else text.strip()
    if held_here(step.member.pk, step.business.pk, code=code, at=timezone.now()) is not None:
        return services.Spend(amount=spend, code=code)
    if code_id:
        proof = services.prove_by_sms(
            code_id=UUID(code_id),
            code=code,
            member=step.member,
            business=step.business,
            amount=spend,
            by=request.user,
            at=timezone.now(),
        )
        return services.Spend(amount=spend, proof=proof)
    throttle.hit("spend.code", whose, CODES, CODES_WINDOW)
    raise services.RedemptionCodeWrong


class OtherGuest(Refused):
    def __str__(self) -> str:
        return _("This card belongs to another guest.")


class TooManyCodes(Refused):
    code = "RATE_LIMITED"

    def __str__(self) -> str:
        return _("Too many wrong codes. Record without bonuses, or wait a quarter of an hour.")
