package shop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** A server as its generator makes it: nothing in it, nor in its settings, is about its end. */
@SpringBootApplication
@RestController
public class Shop {
    public static void main(String[] words) {
        SpringApplication.run(Shop.class, words);
    }

    @GetMapping("/healthz")
    String healthz() {
        return "ok\n";
    }

    @PostMapping("/orders")
    String order(@RequestParam("id") String id) throws InterruptedException {
        Thread.sleep(1000);
        return "ok " + id + "\n";
    }
}
