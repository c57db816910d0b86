"""What every suite shares: a real PostgreSQL and a real Redis; each says in the header which one it is."""

pytest_plugins = ["tests.support.postgres", "tests.support.redis_server"]
