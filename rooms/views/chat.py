"""Saying something without a socket: from a page without JavaScript, or where WebSocket is blocked."""

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from common.errors import AppError
from common.middleware import status_of
from rooms.access import ViewerRequest, for_viewer
from rooms.acts import refused_act
from rooms.frames import message_of
from rooms.services.chat import post_message
from rooms.services.presence import enter_room
from rooms.views.answers import key_in, see_other


@for_viewer
@require_POST
def chat_post(request: ViewerRequest) -> HttpResponse:
    """The same use case as the socket's; scripts get its answers, everybody else the page."""
    now = timezone.now()
    viewer = enter_room(request.entry, by=request.viewer, now=now)
    text, key = request.POST.get("text", ""), key_in(request)
    answered = request.POST.get("reply_to", "")
    reply_to = int(answered[:18]) if answered.isdecimal() else 0
    wants_json = request.headers.get("Accept") == "application/json"
    try:
        posted = post_message(request.entry, by=viewer, text=text, client_key=key, reply_to=reply_to, now=now)
    except AppError as error:
        if not wants_json:
            raise
        return JsonResponse({"kind": "refused", **refused_act(key, error)}, status=status_of(error))
    if wants_json:
        return JsonResponse({"kind": "ack", **message_of(posted)})
    return see_other(f"{reverse('rooms:media', args=[request.entry.pk])}#chat-end")
