"""What a limit lets out, as its one row has it: amounts are handed to processes in grants, and settled later. Pure.

A process asks for what it needs and a little more, so most requests are admitted from memory. What is out and what is
spent are never more than the limit together, whatever dies when: a `Pool` counts a grant whose holder went silent as
spent (money) or as free (requests at one time), a `Rate` counts a grant from the second in which it was given.
"""

from __future__ import annotations

import msgspec

RATE_SECONDS = 60
USABLE_SECONDS = 1.5
"""How long after the beginning of its second a cell of a rate may be used."""
_SLACK = 60.0
"""Seconds by which a time may lie further ahead than it can, before a clock that was wrong is to be blamed."""
_KEPT = RATE_SECONDS + 2
"""Seconds for which a cell counts: a minute after the last moment at which it can have been used."""


class Held(msgspec.Struct, array_like=True):
    """What one process has out. `until`: when it counts as dead, unless it says something. `number`: of its last
    request that acted, so that one which is repeated acts once."""

    amount: int
    until: float
    number: int


class Request(msgspec.Struct, frozen=True):
    """One process's word on one limit. `amount`: the limit. `holder`, `number`: of the process, and of its requests.

    `settled`: nano-dollars that were spent since the last one. `held`: what it has out still. `needed`: what it wants
    for requests that wait, `least`: what serves one of them; `wished`: what it would like on top. `corrections`:
    second → cells of a rate that came back unused (below 0), or turned out to be needed (above). `begin`: of the
    window. `life`: seconds for which a holder is believed to live."""

    limit_id: str
    subject: str
    kind: str
    amount: int
    holder: str
    number: int
    settled: int = 0
    held: int = 0
    needed: int = 0
    least: int = 0
    wished: int = 0
    corrections: dict[int, int] = {}
    begin: float = 0.0
    life: float = 30.0

    def grant(self, free: int, most: int) -> int:
        """Of what is free; `most`: of what it would only like. Nothing where it would serve nobody, and lie there while
        others are refused."""
        granted = min(free, max(self.needed, min(self.wished, most)))
        return granted if granted >= self.least else 0


class Standing(msgspec.Struct, frozen=True):
    """`granted`: what may be used from now on. `spent`: of the window; `out`: what all processes hold, this one's grant
    included. `now`: the database's time. `free_at`: of a rate, when a cell comes back at the earliest; `full_at`: when
    nothing counts any more."""

    granted: int
    spent: int
    out: int
    now: float
    free_at: float = 0.0
    full_at: float = 0.0


class Pool(msgspec.Struct):
    """Money, or requests at one time. `gone`: holders that were counted as dead, with what of theirs was taken as
    spent: one that lives after all takes it back."""

    begin: float = 0.0
    spent: int = 0
    held: dict[str, Held] = {}
    gone: dict[str, int] = {}

    def answer(self, request: Request, now: float) -> Standing:
        if request.begin > self.begin:
            self.begin, self.spent, self.gone = request.begin, 0, {}
        elif self.begin > now + _SLACK:
            # Begun by a clock that was ahead. What was spent since then counts here, and no longer than here.
            self.begin = request.begin
        self._bury(request, now)
        mine = self.held.get(request.holder)
        if mine is not None and mine.number >= request.number:
            granted = max(0, mine.amount - request.held)
        else:
            self.spent += request.settled - self.gone.pop(request.holder, 0)
            others = sum(held.amount for holder, held in self.held.items() if holder != request.holder)
            free = max(0, request.amount - self.spent - others - request.held)
            granted = request.grant(free, free // (2 * (len(self.held) + 1)))
        held = request.held + granted
        if held:
            self.held[request.holder] = Held(held, now + request.life, request.number)
        else:
            self.held.pop(request.holder, None)
        return Standing(granted, self.spent, sum(each.amount for each in self.held.values()), now)

    def _bury(self, request: Request, now: float) -> None:
        for held in self.held.values():
            if held.until > now + request.life + _SLACK:
                held.until = now + request.life  # by a clock that was ahead, as above
        dead = [holder for holder, held in self.held.items() if held.until <= now and holder != request.holder]
        for holder in dead:
            amount = self.held.pop(holder).amount
            if request.kind == "usd":
                self.spent += amount
                self.gone[holder] = self.gone.get(holder, 0) + amount


class Rate(msgspec.Struct):
    """Requests or tokens in a minute: how many cells were given out in each second. Exact over any 60 seconds."""

    cells: dict[int, int] = {}

    def answer(self, request: Request, now: float) -> Standing:
        second = int(now)
        cells: dict[int, int] = {}
        for at, change in (*self.cells.items(), *request.corrections.items()):
            # By a clock that was ahead: it counts from now on, and no longer than what is let out now.
            at = second if at > second + 1 else at
            if at > second - _KEPT:
                cells[at] = cells.get(at, 0) + change
        self.cells = {at: count for at, count in cells.items() if count > 0}
        used = sum(self.cells.values())
        free = max(0, request.amount - used)
        granted = request.grant(free, free // 4)
        if granted:
            self.cells[second] = self.cells.get(second, 0) + granted
        full_at = float(max(self.cells, default=second - _KEPT) + _KEPT)
        return Standing(granted, used + granted, 0, now, self._free_at(request, now), max(now, full_at))

    def _free_at(self, request: Request, now: float) -> float:
        """When what is needed can be had, if nothing else is taken meanwhile."""
        wanted = min(max(request.needed, 1), request.amount)
        free = request.amount - sum(self.cells.values())
        for at in sorted(self.cells):
            if free >= wanted:
                break
            free += self.cells[at]
            now = float(at + _KEPT)
        return now


_read_pool = msgspec.json.Decoder(Pool).decode
_read_rate = msgspec.json.Decoder(Rate).decode
_encode = msgspec.json.Encoder().encode


def answer_request(state: str | None, request: Request, now: float) -> tuple[str, Standing]:
    """The state of a limit after a request, and how it stands. `state`: as its row has it, None where there is none."""
    found: Pool | Rate
    if request.kind in ("requests", "tokens"):
        found = _read_rate(state) if state else Rate()
    else:
        found = _read_pool(state) if state else Pool()
    standing = found.answer(request, now)
    return _encode(found).decode(), standing


def with_spent(state: str | None, begin: float, spent: int) -> tuple[str, int]:
    """The state of a budget of which `spent` at most is spent in the window from `begin` on, and what was before. What
    running calls hold stays held."""
    pool = read_pool(state)
    before = pool.spent
    if begin > pool.begin:
        pool.begin, before = begin, 0
    pool.spent, pool.gone = min(spent, before), {}
    return _encode(pool).decode(), before


def read_pool(state: str | None) -> Pool:
    return _read_pool(state) if state else Pool()
