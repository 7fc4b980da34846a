"""The address that a CRM calls; outside of `/api/v1`."""

from django.urls import path

from apps.crm.api.views import crm_webhook

urlpatterns = [path("webhooks/crm/<str:key>", crm_webhook, name="crm-webhook")]
