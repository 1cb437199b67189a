"""Acts without a socket: from a page without JavaScript, or where WebSocket is blocked."""

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from common.errors import AppError
from common.middleware import status_of
from rooms.access import ViewerRequest, for_viewer
from rooms.acts import Values, perform, refused_act
from rooms.services.presence import enter_room
from rooms.views.answers import key_in, see_other


@for_viewer
@require_POST
def act(request: ViewerRequest, verb: str) -> HttpResponse:
    """The same use cases as the socket's; scripts get its answers, everybody else the page, at the topic."""
    now = timezone.now()
    viewer = enter_room(request.entry, by=request.viewer, now=now)
    key = key_in(request)
    wants_json = request.headers.get("Accept") == "application/json"
    try:
        done = perform(verb, request.entry, by=viewer, values=Values(request.POST), client_key=key, now=now)
    except AppError as error:
        if not wants_json:
            raise
        return JsonResponse({"kind": "refused", **refused_act(key, error)}, status=status_of(error))
    if wants_json:
        return JsonResponse({"kind": "done", "client_key": key, "result": done})
    return see_other(f"{reverse('rooms:media', args=[request.entry.pk])}#{verb.partition('.')[0]}")
