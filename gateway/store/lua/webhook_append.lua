#!lua flags=allow-oom
--[[ webhook_append: keep a webhook as it came. Runs when memory is full: what the channel tells us is never refused for room.

KEYS  1 {wh:KK} (stream)
ARGV  1 sealed webhook
RETURNS its place in the log
--]]
return redis.call('XADD', KEYS[1], '*', 'b', ARGV[1])
