"""The scan of a product, read while the step is still in hand. It knows nothing of any patient."""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from procedures.models import Product
from procedures.screens.parts import scanned_product

_PLACE = re.compile(r"[a-z]-(v_[A-Za-z0-9_]{1,40})")


@require_POST
def read(request: HttpRequest, kind: str, place: str) -> HttpResponse:
    """The inputs of a product field again, filled from the code; 422 where it is none, with what was typed.

    `place` is the id of the field in its page, such as "f-v_needle".
    """
    found = _PLACE.fullmatch(place)
    if not found or kind not in Product.KINDS:
        raise Http404
    field = scanned_product(request.POST, found[1], kind)
    return render(request, "_product.html", {"field": field, "id": place}, status=422 if field.error else 200)
