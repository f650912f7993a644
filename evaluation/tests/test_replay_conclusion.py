"""The sentences of the conclusion of a replay."""

import pytest

from evaluation.models import Replay
from evaluation.replay_conclusion import conclude, conclude_values, describe_sample, describe_test
from evaluation.replay_results import LabelComparison, ReplayComparison, ValueComparison
from evaluation.statistics import compute_mcnemar_p, compute_wilson_interval
from registry.models import ModelVersion

pytestmark = pytest.mark.once
NEITHER = "Version 2 is neither better nor worse than version 1 on these inputs."
UNCLEAR = "It is not clear whether version 2 is better than version 1."


def make_replay(done, *, total=None, status="succeeded", covers_all=True):
    versions = [ModelVersion(number=number) for number in (2, 1)]
    return Replay(
        model_version=versions[0],
        baseline=versions[1],
        status=status,
        done_items=done,
        total_items=total or done,
        covers_all=covers_all,
    )


def compare(*, right=0, fixed=0, broken=0, wrong=0, same=0, **counts):
    n = right + fixed + broken + wrong
    labels = LabelComparison(
        n,
        fixed=fixed,
        broken=broken,
        right=right,
        wrong=wrong,
        same=same,
        accuracy=compute_wilson_interval(right + fixed, n),
        baseline_accuracy=compute_wilson_interval(right + broken, n),
        p=compute_mcnemar_p(fixed, broken),
    )
    return ReplayComparison(is_regression=False, labels=labels, **counts)


@pytest.mark.parametrize(
    ("counts", "title", "text", "note"),
    [
        (
            {"right": 1, "wrong": 7, "same": 6},
            NEITHER,
            "Version 2 predicts 1 of 8 reviewed inputs correctly (12.5%), and version 1 predicts 1 (12.5%). "
            "Their predictions differ for 2 inputs.",
            "Only 8 inputs were compared. Review more to be sure.",
        ),
        (
            {"right": 1, "same": 1},
            NEITHER,
            "Version 2 predicts 1 of 1 reviewed input correctly (100.0%), and version 1 predicts 1 (100.0%). "
            "Both make the same predictions.",
            "Only 1 input was compared. Review more to be sure.",
        ),
        (
            {"right": 50, "fixed": 3, "broken": 3, "wrong": 44, "same": 93},
            UNCLEAR,
            "Version 2 predicts 53 of 100 reviewed inputs correctly (53.0%), and version 1 predicts 53 (53.0%). "
            "Their predictions differ for 7 inputs. Version 2 fixes 3 and breaks 3: both are equally accurate.",
            "",
        ),
        (
            {"right": 27, "fixed": 1, "wrong": 2, "same": 29},
            UNCLEAR,
            "Version 2 predicts 28 of 30 reviewed inputs correctly (93.3%), and version 1 predicts 27 (90.0%). "
            "Their predictions differ for 1 input. Version 2 fixes 1 and breaks 0: this can be chance (McNemar, p = 1).",
            "",
        ),
        (
            {"fixed": 8, "wrong": 1, "same": 1},
            "Yes, version 2 is better than version 1.",
            "Version 2 predicts 8 of 9 reviewed inputs correctly (88.9%), and version 1 predicts 0 (0.0%). "
            "Their predictions differ for 8 inputs. "
            "Version 2 fixes 8 and breaks 0: this is unlikely to be chance (McNemar, p = 0.0078).",
            "Only 9 inputs were compared. Review more to be sure.",
        ),
        (
            {"right": 1200, "broken": 40, "same": 1200},
            "No, version 2 is worse than version 1.",
            "Version 2 predicts 1,200 of 1,240 reviewed inputs correctly (96.8%), and version 1 predicts 1,240 (100.0%). "
            "Their predictions differ for 40 inputs. "
            "Version 2 fixes 0 and breaks 40: this is unlikely to be chance (McNemar, p < 0.001).",
            "",
        ),
    ],
)
def test_the_conclusion_states_all_numbers(counts, title, text, note):
    comparison = compare(**counts)
    conclusion = conclude(make_replay(comparison.n), comparison)
    assert (conclusion.title, conclusion.text, conclusion.note) == (title, text, note)


def test_an_incomplete_replay_states_what_it_compared():
    canceled = make_replay(4, total=900, status="canceled")
    assert conclude(canceled, compare(right=4, same=4)).note == "Only 4 of 900 inputs were compared."
    assert conclude(make_replay(3), compare(failed=3)).title == "No input could be compared."
    assert conclude(make_replay(0), compare()).text == "Review predictions of this model first."
    assert conclude(make_replay(0, covers_all=False), compare()).text.startswith("None of your own predictions")


def test_the_sample_and_the_test_are_described():
    replay = make_replay(3)
    assert describe_sample(make_replay(0, total=3, status="canceled"), compare()) == ""
    for count, start in (
        (0, "No input is"),
        (1, "1 of the 3 inputs is"),
        (2, "2 of the 3 inputs are"),
        (3, "All inputs are"),
    ):
        assert describe_sample(replay, compare(right=3, random_count=count)).startswith(f"{start} from the random sample")
    assert describe_sample(replay, compare(right=3, random_count=3)).endswith("the results are unbiased estimates.")
    replay.picked_by = "random"
    assert describe_sample(replay, compare(right=3, random_count=3)) == "All inputs are from the random sample."
    assert describe_test(compare(right=2, wrong=1)).startswith("McNemar's test is not computed, because no input")
    assert describe_test(compare(fixed=1)) == "McNemar's exact test: p = 1."


@pytest.mark.parametrize(("closer", "kind"), [(5, "unclear"), (6, "better")])
def test_a_few_different_errors_are_no_conclusion(closer, kind):
    """Constant differences have an interval of width 0, for any number of inputs."""
    values = ValueComparison(8, mae=1.0, baseline_mae=2.0, difference=-1.0, low=-1.0, high=-1.0, closer=closer, p=0.03)
    assert conclude_values(values, {"number": 2, "other": 1}, "cm")[0] == kind
