"""The maps a process keeps: those in force and waiting always, the others used last as long as there is room."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

from service.assignment.maps import EditionKey
from service.assignment.saved import Attached

Place = tuple[int, UUID]


def place_of(key: EditionKey) -> Place:
    """Give under what a map is kept: editions of the same content share one."""
    return key.district_id, key.snapshot_id


class KeptMaps:
    """Maps by content, bounded in bytes; safe to share between threads."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._maps: OrderedDict[Place, Attached] = OrderedDict()
        self._pinned: frozenset[Place] = frozenset()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._maps)

    def get(self, place: Place) -> Attached | None:
        """Give a map and remember that it was used."""
        with self._lock:
            found = self._maps.get(place)
            if found is not None:
                self._maps.move_to_end(place)
            return found

    def peek(self, place: Place) -> Attached | None:
        """Give a map without using it."""
        return self._maps.get(place)

    def put(self, place: Place, made: Attached) -> None:
        """Keep a map, in place of an older one of that content; others give way."""
        with self._lock:
            self._maps[place] = made
            self._maps.move_to_end(place)
            self._make_room(place)

    def drop(self, place: Place) -> None:
        """Keep a map no longer."""
        with self._lock:
            self._maps.pop(place, None)

    def pin(self, places: Iterable[Place]) -> None:
        """Say which maps never give way."""
        with self._lock:
            self._pinned = frozenset(places)
            self._make_room(None)

    @property
    def loose_bytes(self) -> int:
        """Bytes of the maps that may give way."""
        return sum(one.size for place, one in self._maps.items() if place not in self._pinned)

    def _make_room(self, newest: Place | None) -> None:
        loose = self.loose_bytes
        for place in [one for one in self._maps if one not in self._pinned and one != newest]:
            if loose <= self.most_bytes:
                return
            loose -= self._maps.pop(place).size
