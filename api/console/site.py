"""The console's door: a password, a second factor, and the table of permissions."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

import segno
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from core.problems import Invalid, Problem
from organizations import authentication, consoles, totp
from organizations.permissions import Caller, caller, may

SESSION = "console_session"
"""Where the browser's session names its row among the sessions at the console."""
NOBODY = Caller(person=UUID(int=0))
"""Somebody not signed in: a person without roles, for an actor without a person would be the system itself."""


def caller_of(request: HttpRequest) -> Caller:
    """The person at the console, with the roles of today; read once a request."""
    person: Any = request.user
    if not person.is_authenticated:
        return NOBODY
    known = getattr(request, "console_caller", None)
    if known is None:
        known = caller(person.pk, on=timezone.localdate(), name=person.name, language=person.language)
        request.__dict__["console_caller"] = known
    found: Caller = known
    return found


def signed_in(request: HttpRequest) -> Any:
    """Who is at the console: the person of the browser's session while their session at the console is live."""
    person: Any = get_user(request)
    if not person.is_authenticated:
        return person
    key = request.session.get(SESSION)
    if key is None or not consoles.is_live(UUID(key), person.pk, at=timezone.now()):
        request.session.flush()
        return AnonymousUser()
    return person


class SignInForm(AuthenticationForm):
    """User name, password and, for those who have turned it on, the code of the authenticator app."""

    code = forms.CharField(label="动态验证码", required=False, max_length=6, widget=UnfoldAdminTextInputWidget)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        at = timezone.now()
        if values.get("username") and values.get("password"):
            try:
                person = authentication.authenticate(
                    values["username"], values["password"], hardware=None, at=at, code=values.get("code", "")
                )
            except Problem as refused:
                raise ValidationError(str(refused.detail)) from None
            by = caller(person.pk, on=timezone.localdate(at))
            if not may(by, "console.use"):
                raise ValidationError("该账号没有管理台权限")
            self.user_cache = person
        return values


class SecondFactorForm(forms.Form):
    """The code of the new authenticator and, for whoever is at the keyboard may not be who signed in, the password again."""

    password = forms.CharField(label="当前密码", strip=False, max_length=256, widget=UnfoldAdminPasswordWidget)
    code = forms.CharField(label="动态验证码", max_length=6, widget=UnfoldAdminTextInputWidget)


class ConsoleSite(UnfoldAdminSite):
    """``/console/``: for whoever may use it, and in production only with a second factor."""

    site_header = site_title = "三员通管理台"
    index_title = "产改办"
    login_form = SignInForm
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        person: Any = request.user
        return bool(person.is_authenticated) and person.is_active and may(caller_of(request), "console.use")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A sign-in that succeeds begins a session; the one that this browser had ends."""
        before = request.session.get(SESSION)
        answer: HttpResponse = super().login(request, extra_context)
        if request.method == "POST" and isinstance(answer, HttpResponseRedirect):
            at = timezone.now()
            person = UUID(str(request.session[SESSION_KEY]))
            by = caller(person, on=timezone.localdate(at))
            if before is not None:
                request.session.cycle_key()  # the framework does so only for whoever was not signed in
                consoles.end([UUID(before)], reason="replaced", by=by, at=at)
            request.session[SESSION] = str(consoles.begin(person, by=by, at=at).pk)
        return answer

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Nothing is left behind, here or in the browser."""
        if SESSION in request.session:
            key = UUID(request.session[SESSION])
            consoles.end([key], reason="logout", by=caller_of(request), at=timezone.now())
        answer: HttpResponse = super().logout(request, extra_context)
        answer["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    def get_urls(self) -> list[URLPattern]:
        own = [path("second-factor/", self.admin_view(self.second_factor), name="second_factor")]
        found: list[URLPattern] = own + super().get_urls()
        return found

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every page; in production those without a second factor are sent to set one up."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            setup = reverse("admin:second_factor")
            person: Any = request.user
            lacks = self.has_permission(request) and not person.totp_secret
            if settings.CONSOLE_SECOND_FACTOR and lacks and request.path not in (setup, reverse("admin:logout")):
                return HttpResponseRedirect(setup)
            answer: HttpResponse = inner(request, *args, **kwargs)
            return answer

        return guarded

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """Show the QR code and turn the second factor on when the app's code is right."""
        person: Any = request.user
        seed = request.session.setdefault("totp_seed", totp.new_seed())
        form = SecondFactorForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            by, at, key = caller_of(request), timezone.now(), UUID(str(person.pk))
            try:
                if authentication.prove(key, form.cleaned_data["password"], at=at) is None:
                    raise Invalid.at("/password", "wrong", authentication.WRONG)
                keep = UUID(request.session[SESSION])
                totp.enable(key, seed, form.cleaned_data["code"], by=by, at=at, keep=keep)
            except Problem as refused:
                wrong: dict[str | None, Any] = {fault.pointer.strip("/"): fault.detail for fault in refused.errors} or {
                    None: refused.detail
                }
                for field, said in wrong.items():
                    form.add_error(field, str(said))
            else:
                del request.session["totp_seed"]
                messages.success(request, "动态验证码已启用")
                return HttpResponseRedirect(reverse("admin:index"))
        out = BytesIO()
        segno.make(totp.address(seed, person.username), error="m").save(out, kind="svg", scale=5, xmldecl=False)
        picture = SafeString(out.getvalue().decode())
        context = self.each_context(request) | {"form": form, "picture": picture, "title": "启用动态验证码"}
        return TemplateResponse(request, "console/second_factor.html", context)
