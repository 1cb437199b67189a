"""What the specification's tables promise, and the tests that hold it: nothing of it is lost unnoticed.

A name stands for a row: `R8` is row 8 of the validation list, `B7`, `T4` and `S5` are cases of the
certification, `O …` are the cases beyond it, `P …` is what PyLTI1p3 accepts or crashes at where a tool should
refuse (or refuses where it should accept), `D1` and `N2` the services. Behind it stand the tests; a row that
is left empty is held by the cases of test_specification.py that bear its name.
"""

from typing import Final

_SPECIFICATION: Final = "lti_tool/views/test_specification.py::"
_LAUNCH: Final = "lti_tool/views/test_launch.py::"
_LOGIN: Final = "lti_tool/views/test_login.py::"
_COOKIES: Final = "lti_tool/views/test_without_cookies.py::"
_REGISTERING: Final = "lti_tool/views/test_dynamic_registration.py::"
_KEYS: Final = "lti_tool/test_keys.py::"
_ROSTER: Final = "lti_tool/services/test_roster.py::"
_PICKER: Final = "rooms/views/test_picker.py::"
_OUTSIDE: Final = "lti_tool/views/test_stores_and_servers.py::"

ROWS: Final[dict[str, tuple[str, ...]]] = {
    "R0": (f"{_LAUNCH}test_a_state_that_is_not_ours", f"{_LAUNCH}test_a_login_ends_after_ten_minutes"),
    "R1": (f"{_LAUNCH}test_garbage_for_a_token",),
    "R2": (),
    "R3": (),
    "R4": tuple(
        f"{_LAUNCH}test_keys_named_by_the_token_are_ignored[{name}]" for name in ("jku", "jwk", "x5u", "x5c")
    ),
    "R5": (f"{_SPECIFICATION}test_an_unknown_kid_is_looked_up_once_more",),
    "R6": (
        f"{_LAUNCH}test_another_key_under_the_right_name",
        f"{_LAUNCH}test_a_token_with_a_changed_payload",
    ),
    "R7": (
        f"{_LAUNCH}test_another_browser_is_refused_and_offered_a_new_tab",
        f"{_LAUNCH}test_the_cookie_of_another_login_binds_nothing",
        f"{_COOKIES}test_the_secret_out_of_the_storage_opens_the_tab",
    ),
    **{f"R{row}": () for row in range(8, 13)},
    "R13": (
        f"{_LAUNCH}test_a_launch_is_good_once",
        f"{_LAUNCH}test_of_many_posts_at_once_one_passes",
        f"{_LAUNCH}test_the_nonce_of_another_login",
    ),
    **{f"R{row}": () for row in range(14, 24)},
    "R24": (f"{_SPECIFICATION}test_texts_that_are_shown_are_cut_and_cleaned",),
}

CERTIFICATION: Final[dict[str, tuple[str, ...]]] = {
    **{f"B{number}": () for number in range(1, 13)},
    "B5": (f"{_LAUNCH}test_a_payload_that_is_no_launch",),
    **{f"T{number}": () for number in range(1, 10)},
    **{f"S{number}": () for number in range(1, 10)},
    "O another link, and only a link": (f"{_LAUNCH}test_only_a_link_is_enough",),
}

SERVICES: Final[dict[str, tuple[str, ...]]] = {
    **{f"D{number}": (f"{_PICKER}test_a_new_room_goes_the_whole_way",) for number in range(1, 8)},
    **{f"N{number}": (f"{_ROSTER}test_everybody_is_listed_over_several_pages",) for number in range(1, 6)},
}

BEYOND: Final[dict[str, tuple[str, ...]]] = {
    "O replayed token and state": (f"{_LAUNCH}test_a_launch_is_good_once",),
    "O state of another browser": (f"{_LAUNCH}test_another_browser_is_refused_and_offered_a_new_tab",),
    "O nonce of another state": (f"{_LAUNCH}test_the_nonce_of_another_login",),
    "O audience with a stranger": (f"{_SPECIFICATION}test_is_refused[R9 stranger beside us]",),
    "O wrong azp": (f"{_SPECIFICATION}test_is_refused[R10 other]",),
    "O algorithms": (f"{_LAUNCH}test_algorithms_other_than_the_pinned_one",),
    "O clocks": (f"{_LAUNCH}test_clocks_that_differ_a_little",),
    "O exp as text": (f"{_SPECIFICATION}test_is_refused[R11 text]",),
    "O another registration of the platform": (f"{_SPECIFICATION}test_two_registrations_of_one_issuer",),
    "O unknown deployment": (
        f"{_SPECIFICATION}test_is_refused[R16 unknown]",
        f"{_LAUNCH}test_an_unlisted_deployment_waits_for_approval",
    ),
    "O disabled registration": (
        f"{_LOGIN}test_a_platform_that_is_not_active[disabled]",
        f"{_LAUNCH}test_a_platform_that_is_switched_off_meanwhile",
    ),
    "O foreign target": (
        f"{_SPECIFICATION}test_is_refused[R17 foreign]",
        f"{_LOGIN}test_a_target_elsewhere_is_never_redirected_to",
    ),
    "O roles as text": (f"{_SPECIFICATION}test_is_refused[R18 text]",),
    "O context null": (f"{_SPECIFICATION}test_opens[R22]",),
    "O link null": (f"{_SPECIFICATION}test_is_refused[R19 null]",),
    "O long ids": tuple(
        f"{_SPECIFICATION}test_is_refused[{name}]"
        for name in ("R16 long", "R19 long", "R20 long", "R22 context id")
    ),
    "O HTML": (f"{_LAUNCH}test_html_in_names_and_titles_stays_text",),
    "O key rotated": (f"{_SPECIFICATION}test_a_key_that_was_rotated_between_two_launches",),
    "O key server down": (f"{_SPECIFICATION}test_a_key_that_is_known_serves_while_the_server_is_down",),
    "O large key set": (f"{_SPECIFICATION}test_a_key_set_of_more_than_64_kilobytes",),
    "O login_required": (f"{_LAUNCH}test_an_error_of_the_platform_is_explained",),
    "O GET": (f"{_LAUNCH}test_opening_the_address_itself_is_explained",),
    "O two tabs": (
        f"{_LAUNCH}test_two_tabs_of_one_browser_never_mix",
        f"{_LAUNCH}test_two_frames_on_one_page_both_open",
    ),
    "O refresh": (f"{_LAUNCH}test_a_reload_after_a_launch_asks_for_the_tab_not_for_the_token",),
}

PYLTI1P3: Final[dict[str, tuple[str, ...]]] = {
    # launch
    "P secret among the keys": (f"{_SPECIFICATION}test_a_secret_among_the_published_keys_spoils_nothing",),
    "P key size and use": (f"{_SPECIFICATION}test_a_published_key_that_is_no_good",),
    "P typ": (),
    "P malformed": (),
    "P malformed lists": (
        f"{_SPECIFICATION}test_a_list_where_an_object_belongs[header]",
        f"{_SPECIFICATION}test_a_list_where_an_object_belongs[payload]",
        f"{_LAUNCH}test_a_signed_payload_that_is_no_object",
    ),
    "P aud": (),
    "P azp": (),
    "P exp": (),
    "P iat": (),
    "P replay": (f"{_LAUNCH}test_a_launch_is_good_once",),
    "P replay of a nonce": (f"{_SPECIFICATION}test_a_used_nonce_in_a_new_token_and_login",),
    "P replay at once": (f"{_LAUNCH}test_of_many_posts_at_once_one_passes",),
    "P nonce of another state": (f"{_LAUNCH}test_the_nonce_of_another_login",),
    "P mix-up": (f"{_LAUNCH}test_the_token_of_another_platform",),
    "P another browser": (f"{_SPECIFICATION}test_a_used_token_opens_nothing_in_another_browser",),
    "P plain http": (
        f"{_LAUNCH}test_cookies_of_a_tab_are_its_own",
        "lti_tool/test_identity.py::test_an_address_without_its_cookie_asks_to_come_back",
    ),
    "P target": (),
    "P target at login": (
        f"{_LOGIN}test_a_missing_parameter[target_link_uri]",
        f"{_LOGIN}test_a_target_elsewhere_is_never_redirected_to",
    ),
    "P deployment at login": (f"{_LAUNCH}test_a_deployment_other_than_the_logins",),
    "P several client ids": (f"{_LOGIN}test_a_login_without_a_client_id",),
    "P roles": (),
    "P sub": (),
    "P picker": (),
    "P error class": (f"{_LAUNCH}test_another_browser_is_refused_and_offered_a_new_tab",),
    # browser
    "P Partitioned": (f"{_LOGIN}test_the_binding_cookie_works_in_a_frame",),
    "P platform storage": (f"{_COOKIES}test_the_secret_out_of_the_storage_opens_the_tab",),
    "P two frames": (f"{_LAUNCH}test_two_frames_on_one_page_both_open",),
    "P cookies cleared": (f"{_LAUNCH}test_cookies_of_a_tab_are_its_own",),
    "P nothing stays": (f"{_LAUNCH}test_nothing_of_a_login_outlives_its_launch",),
    # keys
    "P keys cached": (f"{_KEYS}test_a_key_is_fetched_once_and_then_known",),
    "P rotated and withdrawn": (
        f"{_SPECIFICATION}test_a_key_that_was_rotated_between_two_launches",
        f"{_KEYS}test_a_withdrawn_key_ends_with_its_cached_time",
    ),
    "P bad key server": (f"{_SPECIFICATION}test_a_bad_answer_of_the_key_server_is_not_kept",),
    "P silent key server": (f"{_OUTSIDE}test_a_silent_key_server_slows_no_launch_of_another_platform",),
    "P redirecting key server": (f"{_SPECIFICATION}test_a_key_server_that_leads_elsewhere_is_not_followed",),
    # services and the rest
    "P paging": (
        f"{_ROSTER}test_the_next_page_is_read_letter_by_letter",
        f"{_ROSTER}test_a_list_that_is_cut_short_makes_nobody_absent",
        f"{_ROSTER}test_a_list_without_an_end_costs_no_more_than_the_caller_has",
    ),
    "P tokens": (
        f"{_ROSTER}test_a_token_is_kept_for_its_registration_and_scope",
        f"{_ROSTER}test_a_short_token_is_not_kept",
    ),
    "P picker's answer": (
        f"{_PICKER}test_data_goes_back_exactly_when_it_was_sent",
        f"{_SPECIFICATION}test_the_way_back_from_the_picker_is_escaped",
    ),
    "P authentication address": (f"{_LOGIN}test_a_query_of_the_authentication_address_is_kept",),
    "P registration": (f"{_REGISTERING}test_a_strangers_document_changes_nothing",),
    "P registration's fetches": (f"{_REGISTERING}test_private_and_odd_addresses_are_not_asked",),
}

CASES: Final = {**ROWS, **CERTIFICATION, **SERVICES, **BEYOND, **PYLTI1P3}
