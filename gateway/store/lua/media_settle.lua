#!lua flags=allow-oom
--[[ media_settle: what is known of a file in a conversation, and the fact that says so.

One step, because a file whose fact is missing cannot be traced. Runs when memory is full: it is a line about bytes that lie
elsewhere. A file of somebody who is being erased is not written any more.

KEYS  1 md:C (hash)  2 f:C (hash)  3 facts  4 cv:V (hash)
ARGV  1 offset (ms)  2 C  3 ref  4 packed record  5 keep (ms)  6 kind of fact ('' none)  7 V  8 detail
      9 '1': only where it is new; '2': its fact only where its state was another: a fetch that is done again says nothing new
RETURNS 1 written | 0 known already | -1 erasing
--]]
-- include base
-- include conv
if redis.call('HGET', KEYS[2], 'erasing') then return -1 end
local known = redis.call('HGET', KEYS[1], ARGV[3])
if ARGV[9] == '1' and known then return 0 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
local function state(record) return string.match(record, '^[^|]*|([^|]*)') end
if ARGV[6] ~= '' and not (ARGV[9] == '2' and known and state(known) == state(ARGV[4])) then
  local conv = conv_read(KEYS[4])
  fact(KEYS[3], now_of(KEYS[3], tonumber(ARGV[1])), ARGV[6], ARGV[7] .. ' ' .. ARGV[2], ARGV[8] .. (conv and stands(conv) or ''))
end
return 1
