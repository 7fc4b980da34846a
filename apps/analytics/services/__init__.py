"""What analytics does, each a plain function."""

from apps.analytics.services.rfm import calculate_rfm, snapshot_all, snapshot_rfm

__all__ = ["calculate_rfm", "snapshot_all", "snapshot_rfm"]
