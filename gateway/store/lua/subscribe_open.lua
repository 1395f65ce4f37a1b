--[[ subscribe_open: the first half of subscribing: the subject learns that this partition has a subscriber.

Set first and never cleared: then either a fan-out sees the newcomer, or the newcomer (who reads the state after the second
half) sees the state. The baseline is what an order knows of a flight before the flight speaks: names, zones, planned times.

KEYS  1 j:J (hash)
ARGV  1 partition (0-63)  2 sealed baseline ('' none)  3 keep until (ms)
      4 where given: the baseline as it was read ('' none): by another one, that came since, the caller must judge again
RETURNS 1, 0 = another baseline has come since
--]]
if ARGV[4] and (redis.call('HGET', KEYS[1], 'base') or '') ~= ARGV[4] then return 0 end
local bits = redis.call('HGET', KEYS[1], 'bits') or string.rep('0', 64)
local place = tonumber(ARGV[1]) + 1
if string.sub(bits, place, place) ~= '1' then
  redis.call('HSET', KEYS[1], 'bits', string.sub(bits, 1, place - 1) .. '1' .. string.sub(bits, place + 1))
end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'base', ARGV[2]) end
if redis.call('PEXPIRETIME', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIREAT', KEYS[1], ARGV[3]) end
return 1
