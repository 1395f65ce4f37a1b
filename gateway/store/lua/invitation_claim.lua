--[[ invitation_claim: who of all who come by an invitation is the first. One step, so that two can never both be.

The comer is named by keyed hashes of what the channel calls them; whoever shares one of them with the first is the first, come again.

KEYS  1 iv:I (hash)  2 facts (stream)
ARGV  1 offset (ms)  2 I  3 now by the channel (ms)  4.. keyed hashes of the comer's identifiers
RETURNS first | yours | bound | used | expired | revoked | unknown
--]]
-- include base
local f = redis.call('HMGET', KEYS[1], 'until', 'revoked', 'who', 'bound', 'made')
if not f[1] then return 'unknown' end
if f[3] then
  for k = 4, #ARGV do
    if string.find(f[3], '|' .. ARGV[k] .. '|', 1, true) then return f[4] and 'bound' or 'yours' end
  end
  return 'used'
end
if f[2] then return 'revoked' end
local now = now_of(KEYS[2], tonumber(ARGV[1]))
-- In time is who came in time: a webhook that was long under way does not cost them their link.
if math.min(now, tonumber(ARGV[3])) >= tonumber(f[1]) then return 'expired' end
local who = '|'
for k = 4, #ARGV do who = who .. ARGV[k] .. '|' end
redis.call('HSET', KEYS[1], 'who', who, 'claimed', text(now))
fact(KEYS[2], now, 'way_claimed', ARGV[2], '')
return 'first'
