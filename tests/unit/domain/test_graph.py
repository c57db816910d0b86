import pytest

from app.domain.definitions import ExecutionType, TaskDraft
from app.domain.errors import Invalid
from app.domain.graph import Graph, build_graph, tasks_before

SYNC, ASYNC = ExecutionType.SYNC, ExecutionType.ASYNC


def task(
    name: str,
    sequence: int = 0,
    kind: ExecutionType = SYNC,
    after: tuple[str, ...] | None = None,
    undone_by: tuple[str, ...] = (),
) -> TaskDraft:
    return TaskDraft(name, kind, sequence=sequence, depends_on=after, compensate=undone_by)


def edges(graph: Graph) -> int:
    return sum(map(len, graph.successors))


def waits(tasks: list[TaskDraft]) -> dict[str, set[str]]:
    """For each task all tasks that must have completed before it, directly or not."""
    graph = build_graph(tasks)
    before: list[set[int]] = [set() for _ in graph.successors]
    counts = list(graph.predecessor_counts)
    ready = [node for node, count in enumerate(counts) if not count]
    while ready:
        node = ready.pop()
        for successor in graph.successors[node]:
            before[successor] |= before[node] | {node}
            counts[successor] -= 1
            if not counts[successor]:
                ready.append(successor)
    assert not any(counts)
    return {t.name: {tasks[n].name for n in before[i] if n < len(tasks)} for i, t in enumerate(tasks)}


def test_no_tasks_make_an_empty_graph():
    assert build_graph([]) == Graph((), (), 0, frozenset())


def test_sync_tasks_of_a_group_run_one_after_another_and_need_no_gate():
    graph = build_graph([task("a"), task("b"), task("c", 1)])
    assert graph == Graph(((1,), (2,), ()), (0, 1, 1), 3, frozenset())


def test_async_tasks_run_side_by_side_after_the_last_sync_of_their_group():
    assert waits([task("x", 0, ASYNC), task("a"), task("y", 0, ASYNC), task("b")]) == {
        "a": set(),
        "b": {"a"},
        "x": {"a", "b"},
        "y": {"a", "b"},
    }


def test_groups_run_in_ascending_sequence_whatever_the_order_given():
    assert waits([task("late", 7), task("x", 3, ASYNC), task("y", 3, ASYNC)]) == {
        "late": {"x", "y"},
        "x": set(),
        "y": set(),
    }


def test_a_task_with_depends_on_leaves_its_group_but_the_next_group_waits_for_it():
    assert waits([task("a"), task("b"), task("c", 1, after=("a",)), task("d", 1), task("e", 2)]) == {
        "a": set(),
        "b": {"a"},
        "c": {"a"},
        "d": {"a", "b"},
        "e": {"a", "b", "c", "d"},
    }


def test_an_empty_depends_on_starts_at_once():
    assert waits([task("a"), task("b", 5, after=())])["b"] == set()


def test_a_group_waits_for_the_groups_before_the_last_one_too():
    tasks = [task("a"), task("b", 1, after=()), task("c", 2)]
    assert waits(tasks)["c"] == {"a", "b"}


def test_a_last_task_has_no_successor():
    graph = build_graph([task("a"), task("b", after=()), task("c", 1, after=("a",))])
    assert [n for n, after in enumerate(graph.successors) if not after] == [1, 2]
    assert len(graph.successors) == graph.task_count


def test_edges_stay_linear_between_large_groups():
    tasks = [task(f"{group}-{n}", group, ASYNC) for group in range(3) for n in range(1000)]
    graph = build_graph(tasks)
    assert edges(graph) == 4000
    assert len(graph.successors) == 3002


def test_compensations_belong_to_no_group():
    tasks = [
        task("a", undone_by=("undo a", "tell a")),
        task("undo a"),
        task("b", 1, ASYNC, undone_by=("undo b",)),
        task("tell a", 1, ASYNC),
        task("undo b", 1),
        task("c", 2),
    ]
    assert build_graph(tasks) == Graph(
        successors=((2,), (), (5,), (), (), ()),
        predecessor_counts=(0, 0, 1, 0, 0, 1),
        task_count=6,
        compensations=frozenset({1, 3, 4}),
    )


def test_compensations_alone_in_a_group_leave_no_gate():
    tasks = [task("a", undone_by=("undo",)), task("x", 1, ASYNC), task("y", 1, ASYNC), task("undo", 2), task("z", 3)]
    assert waits(tasks) == {"a": set(), "x": {"a"}, "y": {"a"}, "undo": set(), "z": {"a", "x", "y"}}
    assert len(build_graph(tasks).successors) == len(tasks) + 1


@pytest.mark.parametrize(
    ("after", "path", "message"),
    [
        (("a",), "tasks[0].depends_on[0]", "a task cannot depend on itself"),
        (("b", "ghost"), "tasks[0].depends_on[1]", "no task of this workflow is named 'ghost'"),
        (("b", "b"), "tasks[0].depends_on[1]", "'b' is listed twice"),
    ],
)
def test_wrong_names_are_refused(after, path, message):
    with pytest.raises(Invalid) as caught:
        build_graph([task("a", after=after), task("b")])
    assert [(p.path, p.message) for p in caught.value.problems] == [(path, message)]


@pytest.mark.parametrize(
    ("tasks", "path", "shown"),
    [
        (
            [task("x"), task("a", after=("c",)), task("b", after=("a",)), task("c", after=("b",))],
            "tasks[1].depends_on",
            "'a' waits for 'c' waits for 'b' waits for 'a'",
        ),
        ([task("a", 1, after=("b",)), task("b", 2)], "tasks[0].depends_on", "'a' waits for 'b' waits for 'a'"),
        (
            [task("x", 1), task("a", 1, after=("b",)), task("b", 2)],
            "tasks[1].depends_on",
            "'a' waits for 'b' waits for the groups before 2 waits for 'a'",
        ),
        (
            [task("behind", after=("a",)), task("a", after=("b",)), task("b", after=("a",))],
            "tasks[1].depends_on",
            "'a' waits for 'b' waits for 'a'",
        ),
    ],
)
def test_cycles_are_refused_and_shown(tasks, path, shown):
    with pytest.raises(Invalid) as caught:
        build_graph(tasks)
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == (path, f"would wait for ever: {shown}")


def test_a_long_cycle_is_shown_in_short():
    tasks = [task("first", 1, after=("499",)), *[task(str(n), 2) for n in range(500)]]
    with pytest.raises(Invalid, match=r"'first' waits for '499' waits for .* waits for 489 more waits for 'first'$"):
        build_graph(tasks)


def test_what_is_before_a_task_is_everything_that_it_waits_for_and_a_compensation_comes_after_what_it_undoes():
    tasks = [
        task("a", undone_by=("u", "v")),
        task("u"),
        task("b", 1, ASYNC),
        task("c", 1, ASYNC, undone_by=("w",)),
        task("v", 9),
        task("free", 0, SYNC, after=()),
        task("w"),
        task("last", 2),
    ]
    masks = tasks_before(build_graph(tasks), tasks)
    before = {
        t.name: {o.name for i, o in enumerate(tasks) if mask >> i & 1} for t, mask in zip(tasks, masks, strict=True)
    }
    steps = {"a", "b", "c", "free", "last"}
    assert {name: before[name] for name in steps} == {name: waits(tasks)[name] for name in steps}
    assert (before["u"], before["v"], before["w"]) == ({"a"}, {"a"}, before["c"] | {"c"})
    assert before["last"] == {"a", "b", "c", "free"}
