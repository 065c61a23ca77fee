"""What a web worker process runs."""

from service import configure_logs, create_app, db
from service.settings import Settings

settings = Settings()
configure_logs(settings)
assert settings.database_url is not None, "set by `wangge serve`"  # noqa: S101
db.connect(settings.database_url.get_secret_value())
app = create_app(settings)
