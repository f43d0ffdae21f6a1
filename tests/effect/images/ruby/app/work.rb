# A Sidekiq job that writes down when it starts and when it ends.
require "sidekiq"

def note(*words)
  File.write("/log/#{ENV["POD"]}", "#{(Time.now.to_f * 1000).to_i} #{words.join(" ")}\n", mode: "a")
end

class Work
  include Sidekiq::Job

  def perform(number, seconds)
    note("start", number)
    sleep(seconds)
    note("end", number)
  end
end

Sidekiq.configure_server do |config|
  config.redis = { url: ENV["BROKER"] }
  config.on(:shutdown) { note("cleanup") }
end
