"""What workers tell Redis of the hosts that they use, and what they hear: one round trip for many hosts.

Redis keeps, per host, what each worker holds, with an end (`HELD_MS` after it last spoke), and the moments that bind
them all. A worker is believed in what it says that it holds; Redis only adds to it. So that two never start on the same
place, whoever is to give some up does so first, and says so then. Times are Redis's own clock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis

FLEET_KEY = "pixcrawler:fetchers"
HOST_KEY = "pixcrawler:host:"
HELD_MS = 6_000
"""What a worker holds is free again so long after it last spoke of it."""
QUIET_MS = 3_000
"""Nothing new is given for so long after Redis lost everything or was away from a worker: by then all have said again
what they hold. Longer than a worker waits for an answer."""
HOSTS_AT_ONCE = 100
"""Redis does nothing else while it answers for them."""

# Fields of a host: gap, next, pause, silent (milliseconds, the last three as moments), and per worker `w:<name>` with
# places held, places wanted, whether it has the turn, when it last had what others wait for, and its end.
SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local me, leaving = 'w:' .. ARGV[1], ARGV[2] == '1'
local born, known = tonumber(ARGV[3]), tonumber(ARGV[4])
local limit, held_ms, quiet_ms = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local fleet, workers, quiet = KEYS[1], {}, false
redis.call('HSETNX', fleet, 'born', now)
local stored = tonumber(redis.call('HGET', fleet, 'born'))
if born ~= 0 and born ~= stored and known > 1 and tonumber(redis.call('HGET', fleet, 'quiet') or '0') <= now then
  redis.call('HSET', fleet, 'quiet', now + quiet_ms)
end
if leaving then redis.call('HDEL', fleet, me) else redis.call('HSET', fleet, me, now + held_ms) end
redis.call('PEXPIRE', fleet, 10 * held_ms)
local flat = redis.call('HGETALL', fleet)
for i = 1, #flat, 2 do
  local name, moment = flat[i], tonumber(flat[i + 1])
  if name == 'quiet' then quiet = moment > now
  elseif name ~= 'born' then
    if moment > now then workers[#workers + 1] = string.sub(name, 3) else redis.call('HDEL', fleet, name) end
  end
end

local function look(key)
  local host = {gap = 0, next = 0, pause = 0, silent = 0, others = {}, mine = {turn = 0, last = 0}}
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if string.sub(name, 1, 2) ~= 'w:' then host[name] = tonumber(value)
    else
      local held, wanted, turn, last, ends = string.match(value, '(%d+) (%d+) (%d+) (%d+) (%d+)')
      local one = {name = name, held = tonumber(held), wanted = tonumber(wanted), turn = tonumber(turn),
        last = tonumber(last), ends = tonumber(ends)}
      one.asks = one.wanted > 0 and one.ends - held_ms + 1500 > now
      if name == me then host.mine = one
      elseif one.ends > now then table.insert(host.others, one)
      else redis.call('HDEL', key, name) end
    end
  end
  return host
end

-- Whether another is in line, and whether one of those has waited longer than I have.
local function line(host, waits)
  local anyone, before = false, false
  for _, one in ipairs(host.others) do
    if one.asks and waits(one) then
      anyone = true
      local mine = host.mine.last
      before = before or one.last < mine or one.last == mine and one.name < me
    end
  end
  return anyone, before
end

-- A host with a gap: one worker at a time has the turn, keeps the gap by itself, and says when it is over.
local function in_turns(host, mine, free)
  local owner = false
  for _, one in ipairs(host.others) do owner = owner or one.turn == 1 end
  local anyone, before = line(host, function(one) return one.turn == 0 end)
  local turn, wait, given = mine.turn, 0, mine.held
  if turn == 1 and owner then turn = 0 end
  if turn == 1 then host.next = now + mine.next + host.gap
  elseif mine.wanted > 0 and not (owner or quiet or before) then
    turn, host.next = 1, math.max(host.next, now + mine.next)
    wait, host.next = host.next - now, host.next + host.gap
  elseif host.mine.turn == 1 and not owner then host.next = now + mine.next
  else host.next = math.max(host.next, now + mine.next) end
  if turn == 1 and not quiet then given = given + math.max(0, math.min(mine.wanted - given, free)) end
  return {given, turn == 1 and given or 0, turn, anyone and 1 or 0, wait}
end

-- All others: equal shares as long as there are more who ask than places are left; a place each in turn where they are
-- fewer than those who ask.
local function in_shares(host, mine, free)
  local askers = mine.wanted > 0 and 1 or 0
  for _, one in ipairs(host.others) do if one.asks then askers = askers + 1 end end
  local few, fair = askers > limit, math.max(1, math.floor(limit / math.max(1, askers)))
  local anyone, before = line(host, function(one) return one.wanted > one.held and one.held < fair end)
  local most, given = anyone and fair or limit, mine.held
  if not quiet and (given > 0 or not (few and before)) then
    given = given + math.max(0, math.min(mine.wanted - given, free, most - given))
  end
  return {given, math.min(given, most), 0, few and anyone and 1 or 0, 0}
end

local answer = {stored, workers}
for i = 2, #KEYS do
  local key, at = KEYS[i], 8 + (i - 2) * 7
  local function number(place) return tonumber(ARGV[at + place]) end
  local mine = {held = number(0), wanted = number(1), turn = number(2), next = number(4)}
  local pause, silent = number(5), number(6)
  local host = look(key)
  host.gap, host.pause = math.max(host.gap, number(3)), math.max(host.pause, now + pause)
  if silent < 0 then host.silent = 0 else host.silent = math.max(host.silent, now + silent) end
  local free = limit - mine.held
  for _, one in ipairs(host.others) do free = free - one.held end
  local said = (host.gap > 0 and in_turns or in_shares)(host, mine, free)
  local last = host.mine.last
  if said[3] == 1 or host.gap == 0 and said[1] > 0 then last = now end
  if said[1] > 0 or mine.wanted > 0 or said[3] == 1 then
    local record = {said[1], mine.wanted, said[3], string.format('%.0f %.0f', last, now + held_ms)}
    redis.call('HSET', key, me, table.concat(record, ' '))
  else redis.call('HDEL', key, me) end
  redis.call('HSET', key, 'gap', host.gap, 'next', host.next, 'pause', host.pause, 'silent', host.silent)
  redis.call('PEXPIRE', key, math.max(held_ms, host.next - now, host.pause - now, host.silent - now) + 1000)
  for _, value in ipairs({host.gap, math.max(0, host.pause - now), math.max(0, host.silent - now)}) do
    table.insert(said, value)
  end
  table.insert(answer, said)
end
return answer
"""


class Claim(NamedTuple):
    """What a worker says of one host; times are milliseconds from now. `silent`: -1 where it answered again."""

    held: int
    wanted: int
    turn: bool = False
    gap: int = 0
    next: int = 0
    pause: int = 0
    silent: int = 0


class Said(NamedTuple):
    """What it hears: places that it holds from now on, how many of them it is to keep, whether it has the turn and
    others wait for it; times are milliseconds from now."""

    held: int
    target: int
    turn: bool
    asked: bool
    wait: int
    gap: int
    pause: int
    silent: int


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """`born` tells one life of Redis's memory from the next; `workers` are those that fetch, by name."""

    born: int
    workers: list[str]
    hosts: list[Said]


class Exchange:
    """One worker's talk with Redis. Raises what redis-py raises."""

    def __init__(self, client: Redis, name: str, connections: int) -> None:
        self._script = client.register_script(SCRIPT)
        self._name = name
        self._connections = connections

    async def talk(
        self, claims: Sequence[tuple[str, Claim]], born: int, known: int, *, leaving: bool = False
    ) -> Answer:
        """Say what is held of each host. `known`: workers known to fetch.

        `born`: of the last answer; 0 where there was none, -1 where things were held that Redis does not know of.
        """
        head: list[Any] = [self._name, int(leaving), born, known, self._connections, HELD_MS, QUIET_MS]
        keys = [FLEET_KEY, *(HOST_KEY + host for host, _ in claims)]
        found = await self._script(keys, head + [int(number) for _, claim in claims for number in claim])
        hosts = [Said(one[0], one[1], bool(one[2]), bool(one[3]), *one[4:]) for one in found[2:]]
        return Answer(int(found[0]), sorted(name.decode() for name in found[1]), hosts)
