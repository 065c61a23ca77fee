"""What a web worker process runs."""

import gc

from service import create_app, db
from service.settings import Settings
from service.web import configure_logs

settings = Settings()
configure_logs(settings)
assert settings.database_url is not None, "set by `wangge serve`"  # noqa: S101
db.connect(settings.database_url.get_secret_value())
app = create_app(settings)
# What is loaded by now stays; looking through it for garbage again and again cost a tenth of each request.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
