"""What an operator sets: one frozen object from WANGGE_*. What a city changes is in its profile."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.owner import default_data_folder


class Settings(BaseSettings):
    """Settings of one installation."""

    model_config = SettingsConfigDict(env_prefix="WANGGE_", frozen=True, extra="ignore")

    data: Path = Field(default_factory=default_data_folder, description="Folder for all the service keeps.")
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL with PostGIS of your own; empty: a private cluster in the data folder."
    )
    profile: str = Field("cn", description="City profile at the first start: cn, international or a file.")
    demo: bool = Field(True, description="Load the demo city when the service first starts; 0: start empty.")
    host: str = Field("127.0.0.1", description="Address the service listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the service listens on.")
    workers: int = Field(2, ge=1, le=64, description="Web worker processes.")
    tls_certificate: Path | None = Field(
        None, description="PEM certificate; with tls_key the service speaks TLS."
    )
    tls_key: Path | None = Field(None, description="PEM key that belongs to tls_certificate.")
    proxy_hops: int = Field(0, ge=0, le=5, description="Trusted proxies in front that set X-Forwarded-*.")
    anonymous: bool = Field(True, description="Answer look-ups, maps and tiles without login.")
    tile_url: str = Field(
        "", description="Base map on the intranet, e.g. /basemap/{z}/{x}/{y}.png; empty: none."
    )
    old_maps_mb: int = Field(
        2048, ge=0, description="Room for maps of editions not in force, for each web worker, in megabytes."
    )
    upload_limit_mb: int = Field(512, ge=1, description="Largest file or body taken, in megabytes.")
    request_log_days: int = Field(
        30, ge=1, le=3650, description="Days for which the log of what tokens asked is kept."
    )
    log_format: Literal["json", "text"] = Field("json", description="Shape of log lines.")
    log_level: str = Field("INFO", description="Least level that is logged.")

    @property
    def demo_folder(self) -> Path:
        """Give where the demo city keeps its accounts and the files to try an import with."""
        return self.data / "demo"

    @model_validator(mode="after")
    def _tls_is_a_pair(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            msg = "WANGGE_TLS_CERTIFICATE and WANGGE_TLS_KEY belong together: set both or none"
            raise ValueError(msg)
        return self
