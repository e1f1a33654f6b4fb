"""tools/mutants.py's parts that run no tests: which mutants there are, and which of them are tried."""
import mutants, pytest
from places import REPO, modules

SOURCE = '''
# a comment
@patch(cls_method=True)
def least(self: list | None, by: int = 0, **more) -> int | None:
    "The least of `self` - 1."
    check(self)
    if by == 0: return min(x for x in self if x)
'''


def made(code, module="module"): return [(m.line, m.after) for m in mutants.mutants(module, code)]


def test_one_mutant_for_each_place():
    lines, after = zip(*sorted(made(SOURCE)))
    assert lines == (3, 4, 6, 7, 7, 7, 7)  # not for a type, a docstring, `**`, or the decorator `patch`
    assert after[:3] == ("@patch(cls_method=False)", after[1], "None") and after[1] != SOURCE.split("\n")[3]
    assert "if by == 0: return min(x for x in self if not ( x))" in after


def test_the_sample_stays_where_lines_move():
    assert made("x = 'new'\n" + SOURCE) == [(line + 1, after) for line, after in made(SOURCE)]
    assert made(SOURCE, "other") != made(SOURCE)


@pytest.mark.parametrize("code, after", [
    ("x = a is None", ["x = a is not None"]), ("x = [*a] + b", ["x = [*a] - b"]),
    ("for x in y: pass", ["for x in []: pass"]),
    ("x = 1e20", []), ("f(**a)", []), ("def f(*, a): pass", []), ("'text'", []), ("x: int | None", [])])
def test_what_becomes_of_a_line(code, after):
    assert [after for _, after in made(code)] == after


def test_subjects_are_modules_and_have_tests():
    named = [module for names in mutants.SUBJECTS.values() for module in names.split()]
    assert {*named} <= modules().keys() and [mutants.place(m) for m in named] == [modules()[m] for m in named]
    assert {module for module, _ in mutants.SAME} <= {*named}
    for subject in mutants.SUBJECTS: assert (REPO / f"tests/library/test_{subject}.py").exists()


@pytest.mark.extra
def test_what_is_the_same_is_in_the_sample():
    "None is left in `SAME` when the code changes, and none stands for a line that has it anyway."
    tried = [mutant for subject in mutants.SUBJECTS for mutant in mutants.sample(subject, 80) if mutant.same]
    assert {mutant.same for mutant in tried} == {*mutants.SAME.values()}
    assert not any(mutant._replace(after=mutant.before).same for mutant in tried)
