#!lua flags=allow-oom
--[[ webhook_late: remember for a while how old the webhooks are that are being split.

Runs when memory is full, as splitting does.

KEYS  1 late (string)
ARGV  1 when the oldest was received (ms)  2 for how long (ms)
RETURNS nothing
--]]
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
