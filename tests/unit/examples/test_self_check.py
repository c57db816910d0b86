from examples.self_check.functions import CALLS, summary


def test_the_summary_takes_a_figure_from_every_answer(attempt):
    answers = {name: {"status": 200, "headers": {}, "body": {}} for name in CALLS}
    answers["API description"]["body"] = {"info": {"title": "Service", "version": "1"}, "paths": {"/a": {}, "/b": {}}}
    answers["workflows"]["body"] = {"items": [], "total": 4}
    answers["executions"]["body"] = {"items": [{"status": "running"}], "next_cursor": None}
    answers["unknown workflow"] |= {"status": 404, "body": {"code": "workflow_not_found"}}
    assert summary(attempt(upstream=answers)) == {
        "calls": {**dict.fromkeys(CALLS, 200), "unknown workflow": 404},
        "api": "Service 1",
        "paths": 2,
        "workflows": 4,
        "newest_executions": ["running"],
        "refusal": "workflow_not_found",
    }
