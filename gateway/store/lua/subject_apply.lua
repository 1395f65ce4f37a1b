--[[ subject_apply: one event changes a subject's memory, if it is newer than what is known and nobody was faster.

The new memory is worked out by the caller (rules/changes.py is pure); this step only compares and writes. The first memory is
worked out from what orders know, which may have come since the caller looked (no revision counts that). An
event that was applied before gives its first result again until it is closed, so that a fan-out begun by a killed process goes
on the same.

KEYS  1 j:J (hash)  2 facts (stream)
ARGV  1 offset (ms)  2 E  3 J  4 memory name  5 source hash  6 version ('' none)  7 occurred (ms)  8 revision seen of the memory
      9 sealed memory  10 sealed result  11 keep until (ms)  12 changes for the fact  13 1 = saw what orders know, 0 = there was nothing
      then pairs: notification field, sealed entry ('' deletes)
RETURNS {'applied', n, bits, '', events} | {'known', n, bits, result} | {'older', n, bits} | {'again', n, bits}
        events: those that were applied before this one and are not closed
--]]
-- include base
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
local own = redis.call('HGET', key, 'v:' .. name .. ':' .. ARGV[5])
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
  if parts[2] ~= ARGV[5] and occurred < tonumber(parts[3]) then return older() end
end
if revision ~= ARGV[8] then return {'again', n, bits} end
if revision == '0' and ARGV[13] == '0' and redis.call('HEXISTS', key, 'base') == 1 then return {'again', n, bits} end
local open = {}
for _, field in ipairs(redis.call('HKEYS', key)) do
  if string.sub(field, 1, 2) == 'r:' then open[#open + 1] = string.sub(field, 3) end
end
n = redis.call('HINCRBY', key, 'n', 1)
redis.call('HSET', key, 'v:' .. name .. ':' .. ARGV[5], ARGV[6] .. '|' .. ARGV[7],
  't:' .. name, text(tonumber(revision) + 1) .. '|' .. ARGV[5] .. '|' .. ARGV[7], 's:' .. name, ARGV[9],
  'r:' .. event, text(n) .. '|' .. ARGV[10])
for k = 14, #ARGV, 2 do
  if ARGV[k + 1] == '' then redis.call('HDEL', key, ARGV[k]) else redis.call('HSET', key, ARGV[k], text(n) .. '|' .. ARGV[k + 1]) end
end
local until_ms = tonumber(ARGV[11])
local left = redis.call('PEXPIRETIME', key)
if left < until_ms then redis.call('PEXPIREAT', key, text(until_ms)) end
fact(KEYS[2], now, 'applied', event .. ' ' .. ARGV[3], 'n=' .. text(n) .. ' changes=' .. ARGV[12])
return {'applied', n, bits, '', open}
