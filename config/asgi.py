"""Everything in one application: pages, sockets and, where no Redis is set, the background worker."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
pages = get_asgi_application()

# The apps can be imported only after Django is set up.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from config.lifespan import Lifespan  # noqa: E402
from lti_tool.identity import TabScope  # noqa: E402
from rooms.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": TabScope(URLRouter(websocket_urlpatterns)),
        "lifespan": Lifespan(),
    }
)
