"""Addresses of this app."""

from django.urls import path

from invites.views import (
    asking,
    audit,
    bulk,
    codes,
    console,
    emailtemplates,
    groups,
    invite_list,
    join,
    mail_preview,
    manage,
    numbers,
    one_invite,
    registration_access,
    registration_checks,
    registrations,
    rolemapping,
    suggest,
    template_text,
)

app_name = "invites"
urlpatterns = [
    # the guest's way
    path("join/<str:token>", join.join, name="join"),
    path("join/<str:token>/calendar.ics", join.calendar, name="calendar"),
    path("join/<str:token>/code", codes.code, name="code"),
    path("join/<str:token>/move", codes.move, name="move"),
    path("join/<str:token>/new-link", asking.ask, name="ask"),
    # beside the media page
    path("media/<uuid:entry_id>/invites/", invite_list.invite_list, name="list"),
    path("media/<uuid:entry_id>/invites/selected/", invite_list.selected, name="selected"),
    path("media/<uuid:entry_id>/invites/invitations.csv", invite_list.invite_file, name="file"),
    path("media/<uuid:entry_id>/invites/numbers/", numbers.entry_numbers, name="numbers"),
    path("media/<uuid:entry_id>/invites/menu/", manage.menu, name="menu"),
    path("media/<uuid:entry_id>/invites/new/", manage.invite, name="invite"),
    path("media/<uuid:entry_id>/invites/suggest/", suggest.suggest, name="suggest"),
    path("media/<uuid:entry_id>/invites/why/", manage.why, name="why"),
    path("media/<uuid:entry_id>/invites/many/", bulk.many, name="many"),
    path("media/<uuid:entry_id>/invites/many/template.csv", bulk.many_template, name="many-template"),
    path("media/<uuid:entry_id>/invites/many/<uuid:run_id>/", bulk.many_run, name="many-run"),
    path(
        "media/<uuid:entry_id>/invites/many/<uuid:run_id>/lines/<int:number>/",
        bulk.many_line,
        name="many-line",
    ),
    *(
        path(f"media/<uuid:entry_id>/invites/many/<uuid:run_id>/{address}", view, name=f"many-{name}")
        for name, address, view in (
            ("commit", "commit/", bulk.many_commit),
            ("again", "again/", bulk.many_again),
            ("discard", "discard/", bulk.many_discard),
            ("bad-lines", "lines-to-mend.csv", bulk.many_bad_lines),
            ("links", "links.csv", bulk.many_links),
        )
    ),
    path("media/<uuid:entry_id>/invites/<uuid:invite_id>/", one_invite.made, name="made"),
    path("media/<uuid:entry_id>/invites/<uuid:invite_id>/send/", one_invite.send, name="send"),
    path("media/<uuid:entry_id>/invites/<uuid:invite_id>/new-link/", one_invite.new_link, name="new-link"),
    path("media/<uuid:entry_id>/invites/<uuid:invite_id>/role/", one_invite.role, name="role"),
    path("media/<uuid:entry_id>/invites/<uuid:invite_id>/withdraw/", one_invite.withdraw, name="withdraw"),
    path("media/<uuid:entry_id>/invites/<uuid:invite_id>/restore/", one_invite.restore, name="restore"),
    path("media/<uuid:entry_id>/invites/<uuid:invite_id>/history/", one_invite.history, name="history"),
    # the console; its address stays as it is (design §9), with or without a slash
    path("admin/config/tab/registrations", registrations.registrations),
    path("admin/config/tab/registrations/", registrations.registrations),
    path("admin/config/tab/<str:module>", console.console, name="console"),
    path("admin/config/tab/<str:module>/", console.console),
    path("admin/config/mail-preview/<str:key>", mail_preview.mail_preview, name="mail-preview"),
    path("admin/config/emailtemplates/new", emailtemplates.template_new, name="template-new"),
    path("admin/config/emailtemplates/<int:template_id>", emailtemplates.template, name="template"),
    path(
        "admin/config/emailtemplates/<int:template_id>/text/<slug:language>",
        template_text.template_text,
        name="template-text",
    ),
    path(
        "admin/config/emailtemplates/<int:template_id>/text/<slug:language>/delete",
        emailtemplates.template_language_delete,
        name="template-language-delete",
    ),
    *(
        path(f"admin/config/emailtemplates/<int:template_id>/{name}", view, name=f"template-{name}")
        for name, view in {
            "details": emailtemplates.template_details,
            "copy": emailtemplates.template_copy,
            "use": emailtemplates.template_use,
            "delete": emailtemplates.template_delete,
            "language-new": emailtemplates.template_language_new,
        }.items()
    ),
    path("admin/config/audit.csv", audit.audit_csv, name="audit-csv"),
    path("admin/config/people", groups.people_search, name="people-search"),
    path("admin/config/courses", groups.course_search, name="course-search"),
    path("admin/config/groups/new", groups.group_new, name="group-new"),
    path("admin/config/groups/<int:group_id>", groups.group, name="group"),
    path("admin/config/groups/<int:group_id>/delete", groups.group_delete, name="group-delete"),
    path("admin/config/rolemapping/explain", rolemapping.explain, name="explain-roles"),
    path("admin/config/registrations/new", registrations.registration_new, name="registration-new"),
    path(
        "admin/config/registrations/check",
        registration_checks.registration_check,
        name="registration-check",
    ),
    path("admin/config/registrations/invite", registrations.registration_invite, name="registration-invite"),
    path(
        "admin/config/registrations/invitations/<uuid:invitation_id>",
        registration_access.registration_invitation,
        name="registration-invitation",
    ),
    path(
        "admin/config/registrations/<int:platform_id>/keys/<uuid:key_id>/end",
        registration_access.console_key_end,
        name="console-key-end",
    ),
    path("admin/config/registrations/<int:platform_id>", registrations.registration, name="registration"),
    *(
        path(f"admin/config/registrations/<int:platform_id>/{name}", view, name=f"registration-{name}")
        for name, view in {
            "test": registrations.registration_test,
            "switch": registrations.registration_switch,
            "policy": registrations.registration_policy,
            "frames": registrations.registration_frames,
            "forget": registrations.registration_forget,
        }.items()
    ),
    path(
        "admin/config/registrations/<int:platform_id>/deployments/<int:deployment_id>",
        registrations.deployment_switch,
        name="deployment-switch",
    ),
]
