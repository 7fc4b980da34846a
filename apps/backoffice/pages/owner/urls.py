"""Addresses of the owner's constructors and papers, under `/biz/{slug}/`."""

from django.urls import path

from apps.backoffice.pages.owner import (
    bell,
    chains,
    codes,
    coupons,
    offers,
    settings,
    settlement,
    staff,
)

urlpatterns = [
    path("messages/", bell.bell, name="bell"),
    path("settings/", settings.settings, name="settings"),
    path("settings/photos/", settings.photos, name="settings_photos"),
    path("settings/requisites/", settings.requisites, name="settings_requisites"),
    path("settings/messages/", settings.notices, name="settings_notices"),
    path("staff/", staff.staff, name="staff"),
    path("settlement/", settlement.months, name="settlement"),
    path("settlement/<str:month>/", settlement.month, name="settlement_month"),
    path("settlement/<str:month>/paper/", settlement.paper, name="settlement_paper"),
    path("settlement/<str:month>/csv/", settlement.csv_file, name="settlement_csv"),
    path("settlement/line/<uuid:line_id>/csv/", settlement.moves, name="settlement_moves"),
    path("offers/", offers.offers, name="offers"),
    path("offers/new/", offers.begin, name="offer_new"),
    path("offers/draft/<uuid:draft_id>/check/", offers.check, name="offer_check"),
    path("offers/draft/<uuid:draft_id>/drop/", offers.drop, name="offer_drop"),
    path("offers/draft/<uuid:draft_id>/<slug:step>/", offers.step, name="offer_step"),
    path("offers/draft/<uuid:draft_id>/<slug:step>/preview/", offers.preview, name="offer_preview"),
    path("offers/<uuid:offer_id>/", offers.offer, name="offer"),
    path("offers/<uuid:offer_id>/edit/", offers.edit, name="offer_edit"),
    path("chains/", chains.chains, name="chains"),
    path("chains/new/", chains.begin, name="chain_new"),
    path("chains/ideas/", chains.ideas, name="chain_ideas"),
    path("chains/draft/<uuid:draft_id>/", chains.build, name="chain_build"),
    path("chains/draft/<uuid:draft_id>/diagram/", chains.diagram, name="chain_diagram"),
    path("chains/draft/<uuid:draft_id>/drop/", chains.drop, name="chain_drop"),
    path("chains/<uuid:chain_id>/", chains.chain, name="chain_page"),
    path("chains/<uuid:chain_id>/change/", chains.change, name="chain_change"),
    path("coupons/", coupons.campaigns, name="coupons"),
    path("coupons/new/", coupons.campaign_new, name="campaign_new"),
    path("coupons/<uuid:campaign_id>/", coupons.campaign, name="campaign"),
    path(
        "coupons/<uuid:campaign_id>/progress/", coupons.campaign_progress, name="campaign_progress"
    ),
    path("coupons/<uuid:campaign_id>/import/", codes.campaign_import, name="campaign_import"),
    path("coupons/<uuid:campaign_id>/codes/", coupons.campaign_codes, name="campaign_codes"),
]
