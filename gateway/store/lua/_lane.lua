-- A lane is one sender's order to one address. All lanes of a sender lie in one zset `q` by member,
--   A(16) : priority(1) seq(10) deadline_s(10) : M
-- so the head of a lane is its first member. The lane's record says what is out, unsure, held and owed:
--   2|fence|out|till|att|unsure|tat|at|hold|hfor|seen|back
--   att     how many sends of `out` its record has not counted yet, this one included: 1, or more after lost leases
--   unsure  M=sends not counted=priority=since=until, a comma between: what may have left without an answer. Several, for
--           an urgent message passes an unsure one and may be lost as well, and neither may forget the other.
--   hold    until when the next normal or bulk message waits for `delivered` of hfor; seen 0: that was waited for in vain
--   back    priority=until, a comma between: heads that are tried again then, with all of lower priority behind them
-- A lane stands in exactly one set: `ready:p` by its head's deadline, or `due:p` by the time it may be looked at again.
local LANE = {'fence', 'out', 'till', 'att', 'unsure', 'tat', 'at', 'hold', 'hfor', 'seen', 'back'}
local WORDS = {out = true, unsure = true, at = true, hfor = true, back = true}
local HELD_BY_DELIVERED = 2
local function lane_load(key, a)
  local lane = {fence = 0, out = '', till = 0, att = 0, unsure = '', tat = 0, at = '', hold = 0, hfor = '', seen = 1, back = ''}
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
  local parts = {'2'}
  for place, name in ipairs(LANE) do
    if WORDS[name] then parts[place + 1] = lane[name] else parts[place + 1] = text(lane[name]) end
  end
  redis.call('HSET', key, a, table.concat(parts, '|'))
end
local function prio_of(member) return tonumber(string.sub(member, 18, 18)) end
local function deadline_of(member) return tonumber(string.sub(member, 29, 38)) end
local function message_of(member) return string.sub(member, 40) end
local function head(q, a) return redis.call('ZRANGE', q, '[' .. a .. ':', '[' .. a .. ';', 'BYLEX', 'LIMIT', 0, 1)[1] end
local function unsure_of(lane)
  local found = {}
  for mid, att, prio, since, till in string.gmatch(lane.unsure, '([^,=]+)=(%d+)=(%d)=(%d+)=(%d+)') do
    found[#found + 1] = {mid = mid, att = tonumber(att), prio = tonumber(prio), since = tonumber(since), till = tonumber(till)}
  end
  return found
end
local function unsure_save(lane, found)
  local parts = {}
  for _, one in ipairs(found) do
    parts[#parts + 1] = table.concat({one.mid, text(one.att), text(one.prio), text(one.since), text(one.till)}, '=')
  end
  lane.unsure = table.concat(parts, ',')
end
local function is_unsure(lane, mid) return lane.unsure ~= '' and string.find(lane.unsure, mid, 1, true) ~= nil end
-- Take a message out of the unsure ones; what was known of it, nil when it was none.
local function unsure_take(lane, mid)
  if not is_unsure(lane, mid) then return nil end
  local kept, taken = {}, nil
  for _, one in ipairs(unsure_of(lane)) do
    if one.mid == mid then taken = one else kept[#kept + 1] = one end
  end
  unsure_save(lane, kept)
  return taken
end
local function unsure_put(lane, mid, att, prio, now, till)
  unsure_take(lane, mid)
  local found = unsure_of(lane)
  found[#found + 1] = {mid = mid, att = att, prio = prio, since = now, till = till}
  unsure_save(lane, found)
end
-- The heads that wait for another try. priority given: this one's head waits until `till`. What is past is forgotten.
local function back_put(lane, now, prio, till)
  local parts = {}
  for at, over in string.gmatch(lane.back, '(%d)=(%d+)') do
    if tonumber(over) > now and tonumber(at) ~= prio then parts[#parts + 1] = at .. '=' .. over end
  end
  if prio then parts[#parts + 1] = text(prio) .. '=' .. text(till) end
  lane.back = table.concat(parts, ',')
end
-- When the head of this priority may not be sent yet: until when; nil when it may.
local function barred(lane, prio, now, tau)
  local wait = 0
  if lane.unsure ~= '' then
    for _, one in ipairs(unsure_of(lane)) do
      if prio >= one.prio and now < one.till then wait = math.max(wait, one.till) end
    end
  end
  if lane.back ~= '' then
    for at, over in string.gmatch(lane.back, '(%d)=(%d+)') do
      if prio >= tonumber(at) and now < tonumber(over) then wait = math.max(wait, tonumber(over)) end
    end
  end
  if prio >= HELD_BY_DELIVERED and lane.hold > now then wait = math.max(wait, lane.hold) end
  if lane.tat - tau > now then wait = math.max(wait, lane.tat - tau) end
  if wait > 0 then return wait end
  return nil
end
-- set: {q, later, lane, ready = {4}, due = {4}}
local function lane_set(first)
  return {q = KEYS[first], later = KEYS[first + 1], lane = KEYS[first + 2],
    ready = {KEYS[first + 3], KEYS[first + 4], KEYS[first + 5], KEYS[first + 6]},
    due = {KEYS[first + 7], KEYS[first + 8], KEYS[first + 9], KEYS[first + 10]}}
end
-- Put a lane where it belongs now, and save its record; drop it when it is empty, owes nothing and waits for nothing.
local function place(set, a, lane, now, tau)
  local want, score
  local first = head(set.q, a)
  if lane.back ~= '' then back_put(lane, now) end
  if lane.out ~= '' then
    want, score = 'd' .. string.sub(lane.at, 2, 2), lane.till
  elseif not first then
    local over = math.max(lane.tat, lane.hold)
    if over > now then want, score = 'd3', over end
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
