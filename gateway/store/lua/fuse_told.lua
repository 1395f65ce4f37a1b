--[[ fuse_told: how many people a notification was told to, to what is usual of it; each event counts once.

An event that is taken up again, by a process after a crash or by two in the moment of a lease that moved, was counted: the day's
events are kept beside the count, in the same slot, and looked for in yesterday's too.

KEYS  1 usual:NAME (hash, people by hour)  2 its events of today (set)  3 its events of yesterday (set)
ARGV  1 E, '' = counts whenever it is said  2 people  3 hour since the epoch  4 days that are kept  5 ms that an event is known
RETURNS 1 = counted, 0 = this event was counted before
--]]
if ARGV[1] ~= '' then
  if redis.call('SISMEMBER', KEYS[3], ARGV[1]) == 1 or redis.call('SADD', KEYS[2], ARGV[1]) == 0 then return 0 end
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
local hour, days = tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('HINCRBY', KEYS[1], ARGV[3], ARGV[2])
redis.call('PEXPIRE', KEYS[1], (days + 1) * 86400000)
for back = 1, 48 do redis.call('HDEL', KEYS[1], string.format('%.0f', hour - days * 24 - back)) end
return 1
