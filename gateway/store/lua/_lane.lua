-- A lane is one sender's order to one address. All lanes of a sender lie in one zset `q` by member,
--   A(16) : priority(1) seq(10) deadline_s(10) : M
-- so the head of a lane is its first member. The lane's record says what is out, unsure, held and owed:
--   1|fence|out|till|att|unsure|since|utill|uprio|tat|at|hold|hprio|hfor|seen
-- A lane stands in exactly one set: `ready:p` by its head's deadline, or `due:p` by the time it may be looked at again.
local LANE = {'fence', 'out', 'till', 'att', 'unsure', 'since', 'utill', 'uprio', 'tat', 'at', 'hold', 'hprio', 'hfor', 'seen'}
local WORDS = {out = true, unsure = true, at = true, hfor = true}
local function lane_load(key, a)
  local lane = {fence = 0, out = '', till = 0, att = 0, unsure = '', since = 0, utill = 0, uprio = 0, tat = 0, at = '',
    hold = 0, hprio = 0, hfor = '', seen = 1}
  local raw = redis.call('HGET', key, a)
  if raw then
    local parts = split(raw)
    for place, name in ipairs(LANE) do
      if WORDS[name] then lane[name] = parts[place + 1] else lane[name] = tonumber(parts[place + 1]) end
    end
  end
  return lane
end
local function lane_save(key, a, lane)
  local parts = {'1'}
  for place, name in ipairs(LANE) do
    if WORDS[name] then parts[place + 1] = lane[name] else parts[place + 1] = text(lane[name]) end
  end
  redis.call('HSET', key, a, table.concat(parts, '|'))
end
local function prio_of(member) return tonumber(string.sub(member, 18, 18)) end
local function deadline_of(member) return tonumber(string.sub(member, 29, 38)) end
local function message_of(member) return string.sub(member, 40) end
local function head(q, a) return redis.call('ZRANGE', q, '[' .. a .. ':', '[' .. a .. ';', 'BYLEX', 'LIMIT', 0, 1)[1] end
-- When the head of this priority may not be sent yet: until when; nil when it may.
local function barred(lane, prio, now, tau)
  if lane.unsure ~= '' and prio >= lane.uprio and now < lane.utill then return lane.utill end
  if lane.hold > now and prio >= lane.hprio then return lane.hold end
  if lane.tat - tau > now then return lane.tat - tau end
  return nil
end
-- set: {q, later, lane, ready = {4}, due = {4}}
local function lane_set(first)
  return {q = KEYS[first], later = KEYS[first + 1], lane = KEYS[first + 2],
    ready = {KEYS[first + 3], KEYS[first + 4], KEYS[first + 5], KEYS[first + 6]},
    due = {KEYS[first + 7], KEYS[first + 8], KEYS[first + 9], KEYS[first + 10]}}
end
-- Put a lane where it belongs now, and save its record; drop it when it is empty and owes nothing.
local function place(set, a, lane, now, tau)
  local want, score
  local first = head(set.q, a)
  if lane.out ~= '' then
    want, score = 'd' .. string.sub(lane.at, 2, 2), lane.till
  elseif not first then
    if lane.tat > now then want, score = 'd3', lane.tat end
  else
    local prio = prio_of(first)
    local wait = barred(lane, prio, now, tau)
    if wait then want, score = 'd' .. prio, wait else want, score = 'r' .. prio, deadline_of(first) end
  end
  if lane.at ~= '' and lane.at ~= want then
    local old = string.sub(lane.at, 1, 1) == 'r' and set.ready or set.due
    redis.call('ZREM', old[tonumber(string.sub(lane.at, 2, 2)) + 1], a)
  end
  if want then
    local new = string.sub(want, 1, 1) == 'r' and set.ready or set.due
    redis.call('ZADD', new[tonumber(string.sub(want, 2, 2)) + 1], text(score), a)
    lane.at = want
    lane_save(set.lane, a, lane)
  else
    redis.call('HDEL', set.lane, a)
  end
end
