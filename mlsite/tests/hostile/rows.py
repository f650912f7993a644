"""The rows of the table of hostile input, and the tests of those that are not requests in the other modules."""

from __future__ import annotations

LETTERS = {  # the numbers of the rows of each letter; those that are missing have been merged into others
    "A": [*range(1, 9), *range(10, 19), *range(20, 24), *range(25, 33), *range(34, 38), 39, 40],
    "B": [*range(1, 11)],
    "C": [*range(1, 8), 9, 10, *range(13, 18), 19, 20, *range(22, 27), *range(28, 42)],
    "D": [*range(1, 9), *range(10, 14)],
    "E": [*range(1, 8), 9],
}
ROWS = [f"{letter}{number}" for letter, numbers in LETTERS.items() for number in numbers]
SIGN_IN, API, ADMIN = "accounts/tests/test_signin.py", "predictions/tests/test_api.py", "predictions/tests/test_admin.py"
CONNECTIONS = "mlsite/tests/test_hostile_connections.py"
KERAS = "inference/tests/test_runtimes_keras.py"
TESTS: dict[str, tuple[str, ...]] = {
    "A12": ("mlsite/tests/test_hostile_requests.py::test_an_image_can_have_exactly_the_maximum_size",),
    "A14": (
        f"{CONNECTIONS}::test_half_a_body_stores_nothing",
        f"{CONNECTIONS}::test_a_body_that_stalls_is_rejected_within_30_seconds",
    ),
    "A28": ("inference/tests/test_preprocessing.py::test_exif_orientation_is_applied",),
    "A29": (
        "inference/tests/test_preprocessing.py::test_thumbnail_is_small_and_has_no_metadata",
        "evaluation/tests/test_datasets_images.py::test_images_are_upright_and_have_no_metadata",
    ),
    "A39": (
        "predictions/tests/test_views_predict.py::test_missing_csrf_token_gives_an_error_page",
        "mlsite/tests/test_errors.py::test_expired_form_is_rejected_with_a_page",
    ),
    "A40": (
        "mlsite/tests/test_browser_double_clicks.py::test_a_double_click_with_scripts_stores_one_prediction",
        "mlsite/tests/test_browser_double_clicks.py::test_a_double_click_without_scripts_stores_one_prediction",
    ),
    "B8": (f"{API}::test_original_images_are_served_with_protective_headers",),
    "B9": (f"{API}::test_original_images_are_served_with_protective_headers",),
    "B10": (f"{API}::test_damaged_or_missing_files_are_never_served",),
    "C4": (
        "mlsite/tests/test_hostile_cases.py::test_hostile_requests_are_rejected_in_time_and_store_nothing",
    ),  # C3 with 900 levels
    "C23": (f"{CONNECTIONS}::test_malformed_requests_are_rejected_and_the_connection_closes",),
    "C35": ("predictions/tests/test_api_idempotency.py::test_a_key_of_another_form_is_refused",),
    "C37": (f"{CONNECTIONS}::test_malformed_requests_are_rejected_and_the_connection_closes",),
    "C39": (f"{API}::test_throttling_returns_429_with_retry_after",),
    "C41": ("predictions/tests/test_exports_stream.py::test_formulas_in_text_are_quoted_and_numbers_are_not",),
    "D3": (f"{SIGN_IN}::test_sign_in_is_locked_after_too_many_wrong_passwords",),
    "D5": (
        f"{SIGN_IN}::test_sign_in_creates_a_session_and_sign_out_ends_it",
        f"{SIGN_IN}::test_a_session_ends_when_its_account_changes",
    ),
    "D10": (f"{ADMIN}::test_user_texts_are_escaped", f"{ADMIN}::test_review_pages_show_escaped_comments"),
    "D12": (f"{ADMIN}::test_lists_use_few_queries_count_no_table_and_open_no_file",),
    "E1": (
        "core/tests/test_validators.py::test_paths_outside_the_folder_are_rejected",
        "registry/tests/test_services_register.py::test_a_symbolic_link_that_leaves_the_folder_is_rejected",
    ),
    "E2": (
        "inference/tests/test_loader.py::test_changed_artifact_is_rejected_before_it_is_parsed",
        "registry/tests/test_services_promote.py::test_a_damaged_version_is_not_promoted",
    ),
    "E3": ("registry/tests/test_register_keras.py::test_a_format_that_runs_code_requires_trust",),
    "E4": (
        f"{KERAS}::test_lambda_layer_is_rejected_and_does_not_run",
        f"{KERAS}::test_code_in_any_part_of_the_configuration_is_rejected",
    ),
    "E5": (
        f"{KERAS}::test_archive_with_unexpected_members_is_rejected",
        f"{KERAS}::test_weights_outside_the_archive_are_not_read",
        "inference/tests/test_hostile_artifacts.py::test_highly_compressed_keras_file_is_rejected",
    ),
    "E6": (
        "registry/tests/test_services_register.py::test_a_model_that_does_not_work_is_rejected",
        "registry/tests/test_services_promote.py::test_a_version_that_does_not_reproduce_its_examples_is_not_promoted",
    ),
    "E7": (
        "inference/tests/test_predictor_many.py::test_an_output_that_is_not_finite_fails_alone",
        "registry/tests/test_register_tables.py::test_an_output_that_is_no_value_is_stored_as_a_failure",
    ),
    "E9": (
        "core/tests/test_validators.py::test_invalid_labels_are_rejected",
        "predictions/tests/test_views_models.py::test_text_from_a_model_file_is_escaped",
    ),
}
