from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.loyalty.models import Wallet
from apps.loyalty.services import judge_badges


class Command(BaseCommand):
    help = "Judges every member's badges anew from what happened; a second run changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        at, given, taken = timezone.now(), 0, 0
        for member_id in Wallet.objects.order_by("pk").values_list("pk", flat=True):
            more, less = judge_badges(member_id=member_id, at=at)
            given, taken = given + more, taken + less
        self.stdout.write(f"given {given}, taken back {taken}")
