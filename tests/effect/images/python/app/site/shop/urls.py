"""A view that takes SECONDS and answers `ok`."""

import os
import time

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

SECONDS = float(os.environ.get("SECONDS_PER_REQUEST", "1"))


def healthy(_):
    return HttpResponse("ok\n")


@csrf_exempt
def order(request):
    time.sleep(SECONDS)
    return HttpResponse(f"ok {request.GET.get('id', '')}\n")


urlpatterns = [path("healthz", healthy), path("orders", order)]
