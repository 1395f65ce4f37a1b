#!lua flags=allow-oom
--[[ pass_prove: one answer to "who are you" on a page: open it on this device, or count what was wrong.

One step, so that a hundred answers at once are no more tries than five, and of two devices that answer rightly one is the first.
Whether an answer is right was told from what never changes, the sealed names; only here is it told whether it still counts. Wrong
answers are kept as keyed hashes and counted as a set: the same one, sent twice, is one try, and so is a call that is repeated.
Pages of the same booking that the answer opens as well are opened on this device beside, each for one such device.
It runs when memory is full too: somebody stands at a gate, and what it adds is bounded by the pages that are there.

KEYS  1 pg:D (hash)  2 pn:C (hash)  3 f:C (hash)  4 facts (stream)
ARGV  1 offset (ms)  2 D  3 C  4 field of its item  5 device (keyed hash)  6 answer (keyed hash)  7 '1' when it is right
      8 how many wrong ones  9 when an address of theirs last said "not me" (ms), -1 never
      then pairs for the items that it opens beside: field, device as that item knows it
RETURNS opened | wrong:<left> | shut | other (open on another device) | replaced | gone
--]]
-- include base
-- A device stands as hash|since (ms); one from before a "not me" was perhaps a stranger's.
local function device(value)
  local hash, since = string.match(value or '', '^([^|]+)|(%d+)$')
  return hash and tonumber(since) > tonumber(ARGV[9]) and hash or nil
end
local page = redis.call('HMGET', KEYS[1], 'c', 'w')
if not page[1] or redis.call('HEXISTS', KEYS[3], 'erasing') == 1 then return 'gone' end
local known = redis.call('HMGET', KEYS[2], ARGV[4], 'd:' .. ARGV[4], 'a:' .. ARGV[4])
if not known[1] or split(known[1])[3] ~= ARGV[2] then return 'replaced' end
local bound = device(known[2])
if bound == ARGV[5] or device(known[3]) == ARGV[5] then return 'opened' end
if bound then return 'other' end
local wrong, limit = page[2] or '|', tonumber(ARGV[8])
local _, count = string.gsub(wrong, '[^|]+', '')
if count >= limit then return 'shut' end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
if ARGV[7] ~= '1' then
  if not string.find(wrong, '|' .. ARGV[6] .. '|', 1, true) then
    count = count + 1
    redis.call('HSET', KEYS[1], 'w', wrong .. ARGV[6] .. '|')
    fact(KEYS[4], now, 'pass_refused', ARGV[2] .. ' ' .. ARGV[3], 'left=' .. text(limit - count))
  end
  return count >= limit and 'shut' or 'wrong:' .. text(limit - count)
end
redis.call('HSET', KEYS[2], 'd:' .. ARGV[4], ARGV[5] .. '|' .. text(now))
redis.call('HDEL', KEYS[1], 'w')
for k = 10, #ARGV, 2 do
  local own, also = 'd:' .. ARGV[k], 'a:' .. ARGV[k]
  if redis.call('HEXISTS', KEYS[2], ARGV[k]) == 1 and device(redis.call('HGET', KEYS[2], own)) ~= ARGV[k + 1]
    and not device(redis.call('HGET', KEYS[2], also)) then
    redis.call('HSET', KEYS[2], also, ARGV[k + 1] .. '|' .. text(now))
  end
end
fact(KEYS[4], now, 'pass_opened', ARGV[2] .. ' ' .. ARGV[3], '')
return 'opened'
