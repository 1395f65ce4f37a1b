--[[ subject_apply: one event changes a subject's memory, if it is newer than what is known and nobody was faster.

The new memory is worked out by the caller (rules/changes.py is pure); this step only compares and writes. The first memory is
worked out from what orders know, which may have come since the caller looked (no revision counts that). An
event that was applied before gives its first result again until it is closed, so that a fan-out begun by a killed process goes
on the same.

A moment that has come is an event of our own: it is ordered by nothing (its time is no news of the subject's), makes no other
event older, and is stepped from what orders know as it is now as long as no source has spoken.

KEYS  1 j:J (hash)  2 facts (stream)  3 timers (zset)
ARGV  1 offset (ms)  2 E  3 J  4 memory name  5 source hash  6 version ('' none)  7 occurred (ms)  8 revision seen of the memory
      9 sealed memory  10 sealed result  11 keep until (ms)  12 changes for the fact  13 1 = saw what orders know, 0 = there was nothing
      14 '' or, of a moment that no source has spoken before, what orders know as it was read  15 1 = a moment
      16 how many parts follow about moments: name, due (ms, '' none), 1 = told although it is past
      then pairs: notification field, sealed entry ('' deletes)
RETURNS {'applied', n, bits, '', events} | {'known', n, bits, result} | {'older', n, bits} | {'again', n, bits}
        events: those that were applied before this one and are not closed
--]]
-- include base
-- include moments
local now = now_of(KEYS[2], tonumber(ARGV[1]))
local key, event, name = KEYS[1], ARGV[2], ARGV[4]
local bits = redis.call('HGET', key, 'bits') or ''
local n = tonumber(redis.call('HGET', key, 'n') or '0')
local known = redis.call('HGET', key, 'r:' .. event)
if known then
  local cut = string.find(known, '|', 1, true)
  return {'known', tonumber(string.sub(known, 1, cut - 1)), bits, string.sub(known, cut + 1)}
end
local version, occurred = tonumber(ARGV[6]), tonumber(ARGV[7])
local function older()
  fact(KEYS[2], now, 'older', event .. ' ' .. ARGV[3], '')
  return {'older', n, bits}
end
-- Versions order only one source's own events of this kind; between sources the time it happened decides.
local moment = ARGV[15] == '1'
local own = not moment and redis.call('HGET', key, 'v:' .. name .. ':' .. ARGV[5])
if own then
  local parts = split(own)
  local last = tonumber(parts[1])
  if version and last then
    if version <= last then return older() end
  -- The same instant is not older: sources without numbers tell two changes in one second. Told again, it changes nothing.
  elseif occurred < tonumber(parts[2]) then return older() end
end
local top = redis.call('HGET', key, 't:' .. name)
local revision = '0'
if top then
  local parts = split(top)
  revision = parts[1]
  if not moment and parts[2] ~= ARGV[5] and occurred < tonumber(parts[3]) then return older() end
end
if revision ~= ARGV[8] then return {'again', n, bits} end
if revision == '0' and ARGV[13] == '0' and redis.call('HEXISTS', key, 'base') == 1 then return {'again', n, bits} end
if ARGV[14] ~= '' and redis.call('HGET', key, 'base') ~= ARGV[14] then return {'again', n, bits} end
local open = {}
for _, field in ipairs(redis.call('HKEYS', key)) do
  if string.sub(field, 1, 2) == 'r:' then open[#open + 1] = string.sub(field, 3) end
end
n = redis.call('HINCRBY', key, 'n', 1)
local spoken = ARGV[5] .. '|' .. ARGV[7]
if moment then
  spoken = top and string.match(top, '^%d+|(.*)$') or '|0'
else
  redis.call('HSET', key, 'v:' .. name .. ':' .. ARGV[5], ARGV[6] .. '|' .. ARGV[7])
end
redis.call('HSET', key, 't:' .. name, text(tonumber(revision) + 1) .. '|' .. spoken, 's:' .. name, ARGV[9],
  'r:' .. event, text(n) .. '|' .. ARGV[10])
local last = 16 + tonumber(ARGV[16])
set_moments(key, KEYS[3], KEYS[2], now, ARGV[3], ARGV, 17, last)
for k = last + 1, #ARGV, 2 do
  if ARGV[k + 1] == '' then redis.call('HDEL', key, ARGV[k]) else redis.call('HSET', key, ARGV[k], text(n) .. '|' .. ARGV[k + 1]) end
end
local until_ms = tonumber(ARGV[11])
local left = redis.call('PEXPIRETIME', key)
if left < until_ms then redis.call('PEXPIREAT', key, text(until_ms)) end
fact(KEYS[2], now, 'applied', event .. ' ' .. ARGV[3], 'n=' .. text(n) .. ' changes=' .. ARGV[12])
return {'applied', n, bits, '', open}
