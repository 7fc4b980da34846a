import factory
from factory.django import DjangoModelFactory

from apps.accounts.models import StatusTier, User


class UserFactory(DjangoModelFactory):
    """A member with a phone of her own; `tier__code` and `job` on request."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    class Params:
        tier_code = "insider"

    first_name = factory.Sequence(lambda n: f"Имя{n}")
    last_name = "Тестова"
    tier = factory.LazyAttribute(lambda o: StatusTier.objects.get(code=o.tier_code))

    @classmethod
    def _create(cls, model_class, *args, phone=None, email=None, password=None, **kwargs):
        user = model_class(*args, **kwargs)
        cls._next = getattr(cls, "_next", 0) + 1
        user.set_phone(phone or f"+7999{cls._next:07d}")
        if email:
            user.set_email(email)
        if password:
            user.set_password(password)
        else:
            user.set_unusable_password()
        user.save()
        return user
