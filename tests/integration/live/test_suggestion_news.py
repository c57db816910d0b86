"""The channel `suggestions`."""

from .conftest import House


async def test_new_suggestions_are_sent(house: House) -> None:
    async with house.socket() as client:
        await client.follow("suggestions")
        body = {"workflow": "steps", "title": "Do less"}
        made = (await house.live.client.post("/suggestions", json=body)).json()
        heard = await client.hear()
    assert (heard["type"], heard["channel"]) == ("suggestion_created", "suggestions")
    told = {"suggestion_id": made["id"], "workflow_id": made["workflow_id"], "rule": "external"}
    assert heard["data"] == {"position": None, "sequence": None, **told}
