"""What an administrator of this LMS switches: which data go out, what may be added, and copies of courses."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from practice_lms import pages
from practice_lms.behaviour import FrameManners, ResizeForm, StorageNames
from practice_lms.pages import TEMPLATES, platform_of
from practice_lms.tokens import Release

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from practice_lms.platform import Platform

# As Brightspace words them, in its order.
_RELEASES: Final = {
    "is_anonymous": "Anonymous: nothing of the person, not even the role in the course",
    "name": "Name",
    "email": "Email",
    "user_id": "User ID",
    "username": "Username",
    "org_defined_id": "Org Defined Id",
    "org_unit": "Org unit information: without it the tool knows no course",
    "link": "Link information",
    "whole_classlist": "Classlist including users not known to this deployment",
}


_STORAGES: Final = {
    StorageNames.DRAFT: "Answers the draft’s names (org.imsglobal.lti.…), as Brightspace",
    StorageNames.FINAL: "Answers the final names (lti.…)",
    StorageNames.BOTH: "Answers both",
    StorageNames.REFUSING: "Answers with errors",
    StorageNames.SILENT: "Promises storage, and never answers",
    StorageNames.ABSENT: "Promises none",
}
_RESIZES: Final = {
    ResizeForm.TEXT: "JSON in a string, as Brightspace",
    ResizeForm.OBJECT: "An object",
    ResizeForm.BOTH: "Both",
}


async def security(request: Request) -> Response:
    """The security settings of each deployment."""
    platform = platform_of(request)
    if request.method == "POST":
        form = await request.form()
        if "content" in form:
            wanted = "accepts_multiple" in form
            platform.content = replace(platform.content, accepts_multiple=wanted)
            return RedirectResponse("/admin/security/?saved=1", status_code=303)
        if "frame" in form:
            return _set_manners(request, platform, form)
        chosen = str(form.get("deployment"))
        if chosen not in platform.registration.deployment_ids:
            return pages.message(request, "There is no such deployment.", status_code=404)
        platform.release[chosen] = Release(**{one.name: one.name in form for one in fields(Release)})
        return RedirectResponse("/admin/security/?saved=1", status_code=303)
    context = {
        "deployments": [
            (one, asdict(platform.release_of(one))) for one in platform.registration.deployment_ids
        ],
        "names": _RELEASES,
        "accepts_multiple": platform.content.accepts_multiple,
        "manners": platform.frame,
        "storages": _STORAGES,
        "resizes": _RESIZES,
        "is_saved": "saved" in request.query_params,
    }
    return TEMPLATES.TemplateResponse(request, "lms/security.html", context)


def _set_manners(request: Request, platform: Platform, form: FormData) -> Response:
    try:
        platform.frame = FrameManners(
            storage=StorageNames(str(form.get("storage"))),
            storage_frame="post_message_forwarding" if "storage_frame" in form else "",
            resize=ResizeForm(str(form.get("resize"))),
        )
    except ValueError:
        return pages.message(request, "A page cannot behave like that.", status_code=404)
    return RedirectResponse("/admin/security/?saved=1", status_code=303)


async def copy_course(request: Request) -> Response:
    """A copy for the next term: new ids everywhere, and the old ones as their histories."""
    platform = platform_of(request)
    course = platform.campus.course(request.path_params["course"])
    if course is None:
        return pages.message(request, "There is no such course here.", status_code=404)
    copy = platform.campus.copy_of(course)
    platform.campus = platform.campus.with_course(copy)
    return RedirectResponse(f"/course/{copy.org_unit}/", status_code=303)


ROUTES: Final = [
    Route("/admin/security/", security, methods=["GET", "POST"]),
    Route("/course/{course:int}/copy/", copy_course, methods=["POST"]),
]
