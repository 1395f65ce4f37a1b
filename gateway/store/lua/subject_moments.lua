--[[ subject_moments: when the moments of a subject are due, worked out again from what is known of it.

For what orders and boarding passes know: no event of the subject's own has set them then. One step with a look at what they were
worked out from, so that who was slower never writes over a newer time. What a pass adds to the memory is written with them: like a
moment that was told, it is no word of a source, orders nothing and makes no event older.

KEYS  1 j:J (hash)  2 facts (stream)  3 timers (zset)
ARGV  1 offset (ms)  2 J  3 memory name  4 revision seen of the memory  5 what orders know, as it was read ('' nothing)
      6 sealed memory after it ('' = it stays as it is)
      then per moment: name, due (ms, '' none), 1 = told although it is past
RETURNS 1 set, 0 somebody was faster: work it out again
--]]
-- include base
-- include moments
local top = redis.call('HGET', KEYS[1], 't:' .. ARGV[3])
if (top and split(top)[1] or '0') ~= ARGV[4] then return 0 end
if (redis.call('HGET', KEYS[1], 'base') or '') ~= ARGV[5] then return 0 end
if ARGV[6] ~= '' then
  local spoken = top and string.match(top, '^%d+|(.*)$') or '|0'
  redis.call('HSET', KEYS[1], 't:' .. ARGV[3], text(tonumber(ARGV[4]) + 1) .. '|' .. spoken, 's:' .. ARGV[3], ARGV[6])
end
set_moments(KEYS[1], KEYS[3], KEYS[2], now_of(KEYS[2], tonumber(ARGV[1])), ARGV[2], ARGV, 7, #ARGV)
return 1
