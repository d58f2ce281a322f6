"""Headers that every answer carries beside those of Django's own middleware."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

HARDENING = {
    "Permissions-Policy": "accelerometer=(), browsing-topics=(), camera=(self), display-capture=(), geolocation=(), "
    "gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# For answers that Django does not make: static files, and the plain pages of asgi.py.
BARE = {
    **HARDENING,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Hardening:
    """Adds the headers for which Django has no setting. The camera is for the barcode scanner."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in HARDENING.items():
            response.headers.setdefault(name, value)
        return response
