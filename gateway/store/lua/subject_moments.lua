--[[ subject_moments: when the moments of a subject are due, worked out again from what is known of it.

For what orders know: no event of the subject's own has set them then. One step with a look at what they were worked out from, so
that who was slower never writes over a newer time.

KEYS  1 j:J (hash)  2 facts (stream)  3 timers (zset)
ARGV  1 offset (ms)  2 J  3 memory name  4 revision seen of the memory  5 what orders know, as it was read ('' nothing)
      then per moment: name, due (ms, '' none), 1 = told although it is past
RETURNS 1 set, 0 somebody was faster: work it out again
--]]
-- include base
-- include moments
local top = redis.call('HGET', KEYS[1], 't:' .. ARGV[3])
if (top and split(top)[1] or '0') ~= ARGV[4] then return 0 end
if (redis.call('HGET', KEYS[1], 'base') or '') ~= ARGV[5] then return 0 end
set_moments(KEYS[1], KEYS[3], KEYS[2], now_of(KEYS[2], tonumber(ARGV[1])), ARGV[2], ARGV, 6, #ARGV)
return 1
