"""Addresses of the server-rendered pages."""

from django.urls import path

from apps.backoffice.pages import confirm, crm, door, home, signin, staff_signin, till
from apps.backoffice.pages.owner import home as owner_home
from apps.backoffice.pages.owner import search

app_name = "backoffice"

urlpatterns = [
    path("", home.home, name="home"),
    path("favicon.ico", home.favicon),
    path("help/", home.help_page, name="help"),
    path("language/", home.choose_language, name="language"),
    path("theme/", home.choose_theme, name="theme"),
    path("login/", signin.signin, name="signin"),
    path("login/code/", signin.code, name="code"),
    path("login/setup/", signin.setup, name="setup"),
    path("login/sms/", staff_signin.sms, name="sms"),
    path("login/sms/code/", staff_signin.sms_code, name="sms_code"),
    path("login/pin/", staff_signin.pin, name="pin"),
    path("login/confirm/", confirm.confirm, name="confirm"),
    path("login/recovery/", staff_signin.recovery, name="recovery"),
    path("logout/", signin.signout, name="signout"),
    path("kassa/", till.start, name="till"),
    path("kassa/device/", staff_signin.device, name="device"),
    path("kassa/business/", till.choose, name="till_business"),
    path("kassa/find/", till.find, name="find"),
    path("kassa/op/<str:token>/", till.operation, name="operation"),
    path("kassa/op/<str:token>/quote/", till.quote, name="quote"),
    path("kassa/op/<str:token>/confirm/", till.confirm, name="confirm"),
    path("kassa/sale/<uuid:sale_id>/", till.sale, name="sale"),
    path("kassa/sale/<uuid:sale_id>/undo/", till.undo, name="undo"),
    path("kassa/sale/<uuid:sale_id>/slip/", till.slip, name="slip"),
    path("kassa/sale/<uuid:sale_id>/return/", till.return_sale, name="return_sale"),
    path("kassa/coupon/", till.coupon, name="coupon"),
    path("kassa/return/", till.find_return, name="return"),
    path("kassa/shift/", till.shift, name="shift"),
    path("kassa/shift/close/", till.close, name="shift_close"),
    path("kassa/settings/", till.settings, name="till_settings"),
    path("kassa/queue/", till.queue, name="queue"),
    path("kassa/lock/", till.lock, name="till_lock"),
    path("kassa/shell/", till.shell, name="till_shell"),
    path("kassa/worker.js", till.worker, name="till_worker"),
    path("door/", door.doors, name="door"),
    path("door/<uuid:pk>/", door.entrance, name="door_event"),
    path("door/<uuid:pk>/live/", door.live, name="door_live"),
    path("door/<uuid:pk>/find/", door.find, name="door_find"),
    path("door/<uuid:pk>/annul/", door.annul, name="door_annul"),
    path("biz/", home.home),
    path("biz/<slug:slug>/", owner_home.dashboard, name="owner"),
    path("biz/<slug:slug>/search/", search.search, name="owner_search"),
    path("biz/<slug:slug>/crm/", crm.crm, name="crm"),
    path("control/integrations/", crm.integrations, name="integrations"),
]
