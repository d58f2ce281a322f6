"""People, units and who is what where. Administrators keep their own units; nobody is deleted, only deactivated."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import Count, ForeignKey, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from procedures.models import Case, Membership, Unit, User

from .browse import Kept, ReadOnly, Tabular
from .site import managed_units, site

if TYPE_CHECKING:
    CreationForm = AdminUserCreationForm[User]
    DjangoUserAdmin = UserAdmin[User]
else:
    CreationForm, DjangoUserAdmin = AdminUserCreationForm, UserAdmin


def may_manage(request: HttpRequest, person: User) -> bool:
    """Whether the user may change this person's account.

    Whoever sets a password can sign in as its owner, so nobody may change somebody who sees more than they manage:
    a superuser, a member of another unit, or one of the team of another unit's case.
    """
    if request.user.is_superuser:
        return True
    units = managed_units(request)
    elsewhere = Membership.objects.filter(user=person).exclude(unit__in=units)
    in_team = Case.objects.visible_to(person).exclude(unit__in=units)
    return not (person.is_superuser or elsewhere.exists() or in_team.exists())


class MembershipInline(Tabular):
    """Memberships on the page of a person or of a unit. Ending one ends what the person may see there."""

    model = Membership
    extra = 0

    def _owner_is_managed(self, request: HttpRequest, owner: Any) -> bool:
        match owner:
            case Unit():
                return owner.pk in managed_units(request)
            case User():
                return may_manage(request, owner)
        return True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the names."""
        return super().get_queryset(request).select_related("user", "unit")

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Only units that the user manages can be chosen, and only people who still work here."""
        if db_field.name == "unit":
            kwargs["queryset"] = Unit.objects.filter(pk__in=managed_units(request))
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.filter(
                Q(is_active=True) | Q(memberships__isnull=False)
            ).distinct()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Readable."""
        return site.has_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For persons and units that the user manages."""
        return self._owner_is_managed(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For persons and units that the user manages."""
        return self._owner_is_managed(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For persons and units that the user manages."""
        return self._owner_is_managed(request, obj)


class NewPerson(CreationForm):
    """The account of a named person; there are no shared accounts."""

    class Meta:
        model = User
        fields = ("username", "display_name", "initials", "profession", "registration_number")


@admin.register(User, site=site)
class PersonAdmin(Kept, DjangoUserAdmin):
    """A person's account, with what they are in each unit. Somebody who leaves is deactivated."""

    add_form = NewPerson
    fieldsets = (
        (None, {"fields": ("username", "password_link", "display_name", "initials")}),
        (_("Profession"), {"fields": ("profession", "registration_number", "email")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": (*NewPerson.Meta.fields, "usable_password", "password1", "password2")}),
    )
    form = ModelForm
    readonly_fields = ("password_link", "last_login", "date_joined")
    filter_horizontal = ()
    list_display = ("display_name", "initials", "username", "profession", "works_in", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff", "memberships__role", "memberships__unit")
    search_fields = ("display_name", "username", "initials", "registration_number")
    ordering = ("display_name", "pk")
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the memberships that the list names."""
        return super().get_queryset(request).prefetch_related("memberships__unit")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nobody locks themselves out."""
        own = ("is_active", "is_staff") if obj is not None and obj.pk == request.user.pk else ()
        return (*super().get_readonly_fields(request, obj), *own)

    @admin.display(description=_("works in"))
    def works_in(self, person: User) -> str:
        """Every unit, with the role there."""
        return "; ".join(f"{m.unit} ({m.get_role_display()})" for m in person.memberships.all())

    @admin.display(description=_("password"))
    def password_link(self, person: User) -> SafeString:
        """Whether there is one, and where to set another. Neither the password nor its hash is shown."""
        said = _("Set.") if person.has_usable_password() else _("None: this person cannot sign in.")
        address = reverse("admin:auth_user_password_change", args=[person.pk])
        return format_html('{} <a href="{}">{}</a>', said, address, _("Set a new one"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may enter the admin."""
        return site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those whose rights lie within what the user manages."""
        return site.has_permission(request) and (obj is None or may_manage(request, obj))


@admin.register(Unit, site=site)
class UnitAdmin(Kept):
    """A department with its rooms and members. Units are made by a superuser and kept by their administrators."""

    list_display = ("name", "rooms_in_words", "members_counted")
    search_fields = ("name",)
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the number of members."""
        units = Unit.objects.order_by("name")
        return units.annotate(counted=Count("memberships"))

    @admin.display(description=_("rooms"))
    def rooms_in_words(self, unit: Unit) -> str:
        """The rooms."""
        return ", ".join(unit.rooms)

    @admin.display(description=_("members"))
    def members_counted(self, unit: Any) -> int:
        """How many people belong to it."""
        return int(unit.counted)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Units that the user manages."""
        return site.has_permission(request) and (obj is None or obj.pk in managed_units(request))


@admin.register(Membership, site=site)
class MembershipAdmin(ReadOnly):
    """Who is what where, as one list. Changed on the page of the person or of the unit."""

    list_display = ("user", "role", "unit")
    list_filter = ("role", "unit")
    list_select_related = ("user", "unit")
    search_fields = ("user__display_name", "user__username", "unit__name")
    ordering = ("unit__name", "user__display_name", "pk")


@admin.register(LogEntry, site=site)
class ChangeAdmin(ReadOnly):
    """Who changed what in this admin."""

    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag", "change_message")
    list_filter = ("action_flag", "content_type")
    list_select_related = ("user", "content_type")
    search_fields = ("user__display_name", "user__username", "object_repr")
    date_hierarchy = "action_time"
    ordering = ("-action_time", "-pk")
