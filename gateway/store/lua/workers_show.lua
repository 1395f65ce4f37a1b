#!lua flags=allow-oom
--[[ workers_show: a process shows that it lives, forgets those long gone, and sees who else does.

Runs when memory is full: work that makes room is done by whoever owns it.

KEYS  1 workers (zset)
ARGV  1 its name  2 now (ms)  3 older than this is forgotten (ms)  4 younger than this is alive (ms)
RETURNS the names of those alive
--]]
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
return redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[4], '+inf')
