#!lua flags=allow-oom
--[[ inbox_append: take webhook items into the inbox of their contact's partition, each once. Runs when memory is full.

KEYS  1 in (stream)  2 facts (stream)  then per item seen:hash (string)
ARGV  1 ttl (ms)  then per item the sealed item
RETURNS per item: 1 new, 0 seen before
--]]
local answers = {}
for k = 3, #KEYS do
  if redis.call('SET', KEYS[k], '1', 'PX', ARGV[1], 'NX') then
    redis.call('XADD', KEYS[1], '*', 'b', ARGV[k - 1])
    answers[#answers + 1] = 1
  else
    redis.call('PEXPIRE', KEYS[k], ARGV[1]) -- a write: the caller may wait for a replica to have it
    answers[#answers + 1] = 0
  end
end
return answers
