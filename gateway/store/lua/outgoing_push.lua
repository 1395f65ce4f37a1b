--[[ outgoing_push: queue outgoing webhooks, each job once while it is remembered.

One step, because a job noted and not queued would never leave, one queued and not noted could not be sent. The fold pushes before it
writes down how far it came, so it pushes the same again after a crash.

KEYS  1 {out}q (stream)  2 {out}r (zset)  then per job {out}m:JOB (string)
ARGV  1 time to live of a job (ms)  2 how many may wait at most  then per job its name, its record
RETURNS per job: new known full
--]]
local answers = {}
local room = tonumber(ARGV[2]) - redis.call('XLEN', KEYS[1]) - redis.call('ZCARD', KEYS[2])
for k = 3, #KEYS do
  local name, record = ARGV[3 + (k - 3) * 2], ARGV[4 + (k - 3) * 2]
  if redis.call('EXISTS', KEYS[k]) == 1 then
    answers[#answers + 1] = 'known'
  elseif room <= 0 then
    answers[#answers + 1] = 'full'
  else
    redis.call('SET', KEYS[k], record, 'PX', ARGV[1])
    redis.call('XADD', KEYS[1], '*', 'j', name)
    room = room - 1
    answers[#answers + 1] = 'new'
  end
end
return answers
