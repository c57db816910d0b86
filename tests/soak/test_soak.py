"""Minutes of everything going wrong under load."""

import pytest

from tests.support.chaos import survive


@pytest.mark.timeout(0)
async def test_soak(tmp_path, plan, tell):
    await survive(tmp_path, plan, tell)
