"""The help desk alone, at the root; in one variant with replies taken."""

from django.conf import settings
from django.urls import include, path

urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]
if settings.VARIANT == "replies":
    from replies import reply

    urlpatterns.insert(0, path("tickets/<int:ticket_id>/update/", reply))
