import pytest

from jz3.build.profile import ProfileError, check_no_edits, profile_difference, write_profile


@pytest.fixture
def root(tmp_path):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "small.yaml").write_text("a: 1\n")
    (tmp_path / "profiles" / "large.yaml").write_text("a: 2\n")
    return tmp_path


def test_a_profile_becomes_the_parameters(root):
    write_profile(root, "small")
    assert (root / "params.yaml").read_text() == "a: 1\n"
    assert "-a: 1\n+a: 2" in profile_difference(root, "large")
    assert profile_difference(root, "small") == ""


def test_edits_are_not_written_over(root):
    write_profile(root, "small")
    check_no_edits(root)
    (root / "params.yaml").write_text("a: 3\n")
    with pytest.raises(ProfileError, match=r"holds edits.*large, small"):
        check_no_edits(root)


def test_a_profile_that_is_not_there_is_named_with_those_that_are(root):
    with pytest.raises(ProfileError, match=r"no profile 'huge'.*one of large, small"):
        write_profile(root, "huge")
