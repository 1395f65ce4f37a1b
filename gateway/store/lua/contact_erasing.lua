#!lua flags=allow-oom
--[[ contact_erasing: from now on nothing new is planned for this contact, written to it or subscribed.

First step of erasing, so that what is gathered after it is everything. `erase` keeps who is being erased, and who was,
until a sweep has looked a last time. Runs when memory is full: it makes room.

KEYS  1 f:C (hash)  2 erase (zset)  3 facts (stream)
ARGV  1 offset (ms)  2 C  3 who has it done ('' nobody anew)
RETURNS ok | moved:C (the contact it moved to is meant)
--]]
-- include base
local moved = redis.call('HGET', KEYS[1], 'moved')
if moved then return 'moved:' .. moved end
local now = now_of(KEYS[3], tonumber(ARGV[1]))
if not redis.call('HGET', KEYS[1], 'erasing') then
  redis.call('HSET', KEYS[1], 'erasing', text(now))
  redis.call('HINCRBY', KEYS[1], 'cv', 1)
  redis.call('ZADD', KEYS[2], text(now), ARGV[2])
  fact(KEYS[3], now, 'erasing', ARGV[2], ARGV[3] ~= '' and 'who=' .. ARGV[3] or '')
end
return 'ok'
